"""`make doctor`: looks for what would keep a deployment from working, one check for each concern, changing nothing."""
