"""What several test files share and is no fixture: `from helpers.nets import small`."""
