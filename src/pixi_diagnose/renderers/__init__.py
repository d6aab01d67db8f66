"""Reports as text, JSON, SARIF and CI annotations."""
