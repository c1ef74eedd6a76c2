"""Who may see and do what: people, roles, tokens, tickets, the one table of permissions."""
