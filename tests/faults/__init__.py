"""Each file proves one row, or a part of one, of the table of faults.

A file's docstring begins "Row N: the fault" and tells after "Seen to fail:" how its tests failed
with the protection removed; the first test's docstring is the row's promise. docs/faults.md is made
of these by `python -m benchmarks.faults_page`: run it when one changes.
"""
