"""Judges candidate and champion on the same held-out rows: answers → scores → intervals → gate → report and plots."""
