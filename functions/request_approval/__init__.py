"""Asks people whether a release may go to production: stores the question, mails each approver an own link."""
