"""The words all parts of the product share: settings, reports, errors. Imports nothing of ours."""
