"""What leaves the database: tidy tables, their files, the way back, and the Hub."""
