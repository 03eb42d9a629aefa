"""How AWS decides about alarms and about capacity: pure, from datapoints, settings and a time that are passed in."""
