"""Keeping the contract: what was measured against what was promised, and when that is an alarm ([AIF] threshold alarm).

Read `limits` first, then `readings`, `alarms` and `calibration`. All of it counts on arrays, a row for each dimension
of each copy of each service, so that thousands of services are judged in one pass.
"""
