"""The rules, one file each: the folder's listing is the table of rules, and this tuple the order in which they run."""

from __future__ import annotations

from ..finding import Rule
from . import (
    cfg901_invalid_manifest,
    cfg902_unknown_key,
    cfg903_deprecated_table,
    env201_missing_cuda_toolkit,
    idx402_no_usable_distribution,
    idx404_unsatisfiable_requirements,
    iso101_undeclared_build_requirement,
    iso102_missing_build_requirement,
    iso103_late_build_requirement,
    iso106_isolation_off_for_all,
    iso107_ineffective_isolation_entry,
    iso108_unread_build_setting,
    iso109_guarded_build_import,
    iso110_build_forbidden,
    iso112_removed_build_api,
    iso114_failing_build_script,
)

__all__ = ["RULES"]

RULES: tuple[Rule, ...] = (
    cfg901_invalid_manifest.RULE,
    cfg902_unknown_key.RULE,
    cfg903_deprecated_table.RULE,
    iso102_missing_build_requirement.RULE,
    iso103_late_build_requirement.RULE,
    iso101_undeclared_build_requirement.RULE,
    iso106_isolation_off_for_all.RULE,
    iso107_ineffective_isolation_entry.RULE,
    iso108_unread_build_setting.RULE,
    iso109_guarded_build_import.RULE,
    iso110_build_forbidden.RULE,
    iso112_removed_build_api.RULE,
    iso114_failing_build_script.RULE,
    env201_missing_cuda_toolkit.RULE,
    idx402_no_usable_distribution.RULE,
    idx404_unsatisfiable_requirements.RULE,
)
