"""Who may come in, from where, how often, and over what: judged here, acted on in server/app.py."""
