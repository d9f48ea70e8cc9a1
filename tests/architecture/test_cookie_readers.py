"""Browsers send our cookies to every route, since ``__Host-`` asks for the path /: only few may look at them."""

import ast

from tests.architecture.source_tree import CHECKOUT, modules

# The first reads the refresh token and the code's other half, the second what Flask keeps of a sign-in under way.
READERS = {"backend/accounts/sign_in/token_routes.py", "backend/accounts/providers/pending_sign_ins.py"}


def looks_at_cookies(tree: ast.Module) -> bool:
    """Tell whether a module takes what reads cookies from us or Flask, or reads the header itself."""
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


def test_only_routes_that_sign_in_look_at_cookies() -> None:
    found = {module.path for module in modules(CHECKOUT, "backend") if looks_at_cookies(module.tree)}
    assert found - {"backend/core/web/cookies.py"} == READERS
