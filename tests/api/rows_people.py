"""Rows of the matrix: sign-in and users."""

from __future__ import annotations

from tests.api.matrix import Row, everyone, signed_in

_KEY = "/auth/keys/000000000000"
_LINK = {"token": "0" * 40}
_STAFF = {"stranger": 403, "staff": 200}
_NEW = {"username": "new", "email": "new@example.net"}
_PASSWORDS = {"current_password": "not mine", "password": "kite-lamp-rain"}

ROWS = (
    Row("POST", "/auth/login", "/auth/login", everyone(401), body={"username": "nobody", "password": "x"}),
    Row("POST", "/auth/logout", "/auth/logout", signed_in(409), body={}),
    Row("POST", "/auth/password/forgot", "/auth/password/forgot", (202,) * 3 + (429,) * 5, body={"username": "nobody"}),
    Row("POST", "/auth/password/set", "/auth/password/set", everyone(410), body=_LINK | {"password": "kite-lamp-rain"}),
    Row("POST", "/auth/password/change", "/auth/password/change", signed_in(422), body=_PASSWORDS),
    Row("POST", "/auth/email/confirm", "/auth/email/confirm", everyone(410), body=_LINK),
    Row("GET", "/auth/advice", "/auth/advice", everyone(200)),
    Row("GET", "/auth/keys", "/auth/keys", signed_in(200)),
    Row("POST", "/auth/keys", "/auth/keys", signed_in(201), body={"name": "script"}),
    Row("PATCH", "/auth/keys/{identifier}", _KEY, signed_in(404), body={"name": "script"}),
    Row("DELETE", "/auth/keys/{identifier}", _KEY, signed_in(404)),
    Row("POST", "/auth/keys/{identifier}/rotate", f"{_KEY}/rotate", signed_in(404)),
    Row("GET", "/users", "/users", signed_in(**_STAFF)),
    Row("POST", "/users", "/users", signed_in(403, staff=201, superuser=409), body=_NEW),
    Row("GET", "/users/me", "/users/me", signed_in(200)),
    Row("PATCH", "/users/me", "/users/me", signed_in(200), body={"first_name": "Vera"}),
    Row("GET", "/users/{identifier}", lambda g: f"/users/{g.users['pi']}", signed_in(**_STAFF)),
    Row(
        "PATCH",
        "/users/{identifier}",
        lambda g: f"/users/{g.users['pi']}",
        signed_in(**_STAFF),
        body={"last_name": "R"},
    ),
    Row("POST", "/users/{identifier}/invite", lambda g: f"/users/{g.users['pi']}/invite", signed_in(**_STAFF)),
)
