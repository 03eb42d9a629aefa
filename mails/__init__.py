"""What people are mailed, and how."""
