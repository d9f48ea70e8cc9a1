"""Browsers send our cookies to every route, because ``__Host-`` requires the path /. Few modules may read them."""

import ast

from tests.architecture.source_tree import CHECKOUT, modules

# The first reads the refresh token and the cookie of the one-time code, the second Flask's data of a pending sign-in.
READERS = {"backend/accounts/sign_in/token_routes.py", "backend/accounts/providers/pending_sign_ins.py"}


def reads_cookies(tree: ast.Module) -> bool:
    """Tell whether a module imports a cookie reader of ours or Flask's, or reads the header itself."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="backend.core.web.cookies", names=names) if "read_cookie" in {
                n.name for n in names
            }:
                return True
            case ast.ImportFrom(module="flask", names=names) if "session" in {n.name for n in names}:
                return True
            case ast.Attribute(attr="cookies") | ast.Attribute(value=ast.Name(id="flask"), attr="session"):
                return True
            case ast.Constant(value=str() as text) if text in ("Cookie", "HTTP_COOKIE"):
                return True
    return False


def test_only_sign_in_routes_read_cookies() -> None:
    found = {module.path for module in modules(CHECKOUT, "backend") if reads_cookies(module.tree)}
    assert found - {"backend/core/web/cookies.py"} == READERS
