"""A GitHub on loopback: its sign-in pages and API. Like GitHub, it reports some errors with status 200."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request

from tests.stand_ins.sign_in_server import SignInServer


class GitHubServer(SignInServer):
    """Signs in the users in ``users`` (by login) with a click. ``api_url`` is the address of its API.

    ``token_error`` is returned instead of a token.
    """

    title = "GitHub"
    authorize_path = "/login/oauth/authorize"

    def __init__(self) -> None:
        super().__init__()
        self.api_url = f"{self.url}/api/v3"
        self.app.post("/login/oauth/access_token")(self._give_token)
        self.app.get("/api/v3/user")(self._tell_user)
        self.app.get("/api/v3/user/emails")(self._tell_addresses)

    def reset(self) -> None:
        super().reset()
        self.users = {
            "octo": {"id": 583231, "name": "Octo Cat", "avatar_url": "https://avatars.example/u/583231", "email": None},
        }
        self.addresses: list[dict[str, Any]] = [
            {"email": "old@octo.example", "primary": False, "verified": True, "visibility": None},
            {"email": "octo@octo.example", "primary": True, "verified": True, "visibility": "private"},
        ]
        self.token_error: str | None = None
        self._tokens: dict[str, str] = {}

    def _give_token(self) -> Response:
        if (request.form.get("client_id"), request.form.get("client_secret")) != (self.client_id, self.client_secret):
            return self._say(error="incorrect_client_credentials", error_description="They are not right.")
        asked = self.redeem_code()
        if asked is None:
            return self._say(error="bad_verification_code", error_description="The code is incorrect or expired.")
        if self.token_error is not None:
            return self._say(error=self.token_error, error_description="GitHub's own reason.")
        token = f"gho_of_{asked['user']}_{len(self._tokens)}"
        self._tokens[token] = asked["user"]
        self.given.add(token)
        return self._say(access_token=token, scope="read:user,user:email", token_type="bearer")

    def _say(self, **answer: str) -> Response:
        """Respond with a form unless JSON was requested; errors have status 200, too."""
        if "application/json" in request.headers.get("Accept", ""):
            return jsonify(answer)
        return Response(urlencode(answer), content_type="application/x-www-form-urlencoded")

    def _login(self) -> str | None:
        return self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))

    def _tell_user(self) -> Any:
        login = self._login()
        if login is None or not request.headers.get("User-Agent"):
            return jsonify(message="Bad credentials"), 401
        return jsonify({"login": login, "type": "User", **self.users[login]})

    def _tell_addresses(self) -> Any:
        if self._login() is None:
            return jsonify(message="Bad credentials"), 401
        return jsonify(self.addresses)
