"""A small browser app on its own origin, which signs in, calls the API, refreshes and signs out.

Like the real app, it keeps tokens in memory only, and no script can read the refresh token.
"""

import threading
from typing import Self

from flask import Flask, Response
from werkzeug.serving import make_server

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Study app</title>
<style>body {{ font: 16px sans-serif; margin: 2rem }} button {{ margin-right: .5rem }} li {{ margin: .3rem 0 }}</style>
</head><body>
<h1>Study app</h1>
<p id="state">signed out</p>
<p><a id="sign-in" href="{api}/auth/login/{provider}?next=/library">Sign in</a></p>
<button id="call">Call</button><button id="refresh">Refresh</button><button id="sign-out">Sign out</button>
<ol id="log"></ol>
<script src="/app.js"></script>
</body></html>"""

_SCRIPT = """
const api = "{api}";
let token = null;
const show = (text) => {{ document.getElementById("state").textContent = text; }};
const note = (text) => {{
  const line = document.createElement("li");
  line.textContent = text;
  document.getElementById("log").append(line);
}};
const post = (path, body, headers = {{}}) => fetch(api + path, {{
  method: "POST", credentials: "include", body: JSON.stringify(body),
  headers: {{"Content-Type": "application/json", ...headers}},
}});
async function take(name, answer) {{
  const body = await answer.json();
  token = answer.ok ? body.access_token : null;
  note(name + " " + answer.status + (body.code ? " " + body.code : ""));
  show(answer.ok ? "signed in" : "signed out");
}}
async function call() {{
  const headers = token ? {{Authorization: "Bearer " + token}} : {{}};
  const answer = await fetch(api + "/study-sets", {{headers}});
  const body = await answer.json();
  note("call " + answer.status + (body.code ? " " + body.code : " " + body.items.length + " study sets"));
}}
async function refresh() {{ await take("refresh", await post("/auth/refresh", {{}})); }}
async function signOut() {{
  const answer = await post("/auth/logout", {{}});
  note("sign out " + answer.status);
  token = null;
  show("signed out");
}}
document.getElementById("call").onclick = call;
document.getElementById("refresh").onclick = refresh;
document.getElementById("sign-out").onclick = signOut;
(async () => {{
  const query = new URLSearchParams(location.search);
  if (location.pathname !== "/auth-callback") return;
  // The code must not stay in the history.
  history.replaceState(null, "", query.get("next") || "/");
  if (query.has("error")) {{ note("error " + query.get("error")); return; }}
  await take("token", await post("/auth/token", {{code: query.get("code")}}));
  await call();
}})();
"""


class BrowserApp:
    """Serves the app at ``url``, on localhost; ``sign_in_at`` sets the API and the provider."""

    def __init__(self) -> None:
        app = Flask("browser_app", static_folder=None)
        self._facts = {"api": "", "provider": ""}
        app.get("/")(self._page)
        app.get("/auth-callback")(self._page)
        app.get("/app.js")(lambda: Response(_SCRIPT.format(**self._facts), content_type="text/javascript"))
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.port}"

    def sign_in_at(self, api_url: str, provider: str) -> None:
        """Use this API and this provider from now on."""
        self._facts = {"api": api_url, "provider": provider}

    def _page(self) -> str:
        return _PAGE.format(**self._facts)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
