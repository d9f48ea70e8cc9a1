"""Identity providers: the OAuth 2.0 and OpenID Connect gateway, and the sign-ins in progress."""
