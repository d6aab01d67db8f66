"""What tests share: small packages, indexes and channels of our own, and a loopback server to offer them."""
