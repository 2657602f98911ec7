"""What identity does, by subject: entering, sessions, invitations."""
