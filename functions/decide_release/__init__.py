"""Where a person decides: the page behind a mailed link, and the same decision from a terminal."""
