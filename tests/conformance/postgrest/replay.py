"""Sends a recorded request and says how the answer differs from the recorded one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

HERE = Path(__file__).parent
ADA = "00000000-0000-4000-8000-00000000000a"
FAR, PAST = 4102444800, 1000000000  # 2100 and 2001: fixed, so that claims are the same every time
MEMBER = {"role": "authenticated", "sub": ADA, "aud": "authenticated", "exp": FAR}
# request.role -> (claims, algorithm); the broken ones are recorded as refusals.
TOKENS: dict[str, tuple[Any, str]] = {
    "anon": ({"role": "anon", "exp": FAR}, "HS256"),
    "service_role": ({"role": "service_role", "exp": FAR}, "HS256"),
    "authenticated-no-sub": ({"role": "authenticated", "exp": FAR}, "HS256"),
    "expired": ({**MEMBER, "exp": PAST}, "HS256"),
    "not-yet-valid": ({**MEMBER, "nbf": FAR}, "HS256"),
    "issued-in-future": ({**MEMBER, "iat": FAR}, "HS256"),
    "alg-none": (MEMBER, "none"),
    "alg-hs512": (MEMBER, "HS512"),
    "exp-not-a-number": ({**MEMBER, "exp": "soon"}, "HS256"),
    "claims-not-an-object": ([1], "HS256"),
    "no-role-claim": ({"sub": ADA, "exp": FAR}, "HS256"),
    "no-exp": ({"role": "authenticated", "sub": ADA}, "HS256"),
    "aud-other": ({**MEMBER, "aud": "someone-else"}, "HS256"),
    "unknown-role": ({**MEMBER, "role": "nobody_here"}, "HS256"),
    "role-not-granted": ({**MEMBER, "role": "not_granted"}, "HS256"),
    "sub-not-a-uuid": ({**MEMBER, "sub": "42"}, "HS256"),
}
HEADERS = {
    "malformed": "Bearer not-a-jwt",
    "three-parts-of-junk": "Bearer aaa.bbb.ccc",
    "empty-bearer": "Bearer ",
    "basic-scheme": "Basic dXNlcjpwYXNz",
}
# Other headers change from answer to answer or belong to the web server.
COMPARED = re.compile(
    r"content-(type|range|location|profile)|location|preference-applied|www-authenticate|allow"
    r"|proxy-status|retry-after|cache-control|set-cookie|x-chat(-error)?|access-control-.*"
)


@dataclass(frozen=True)
class Answer:
    """A response as it came. Values of equal headers are joined by ` | `."""

    status: int
    headers: dict[str, str]
    body: bytes


def load_goldens() -> list[dict[str, Any]]:
    """Every recorded pair."""
    lines = (HERE / "goldens.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def send(port: int, secret: str, request: dict[str, Any]) -> Answer:
    """Send a recorded request to a server on this machine."""
    headers: dict[str, str | None] = dict(request.get("headers") or {})
    token = authorization(request["role"], secret)
    if token is not None:
        headers["Authorization"] = token
    body = None
    if "body" in request:
        body = json.dumps(request["body"], ensure_ascii=False).encode()
    elif "body_text" in request:
        body = request["body_text"].encode()
    if body is not None and "Content-Type" not in headers:
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        path = quote(request["path"], safe="/?&=:,.()*!@+-_%'~$;")
        connection.putrequest(request["method"], path, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:  # a header that is null is not sent
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        found: dict[str, str] = {}
        for name, value in response.getheaders():
            name = name.lower()
            found[name] = f"{found[name]} | {value}" if name in found else value
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def authorization(role: str, secret: str) -> str | None:
    """The Authorization header that a recorded role stands for."""
    if role == "none":
        return None
    if role in HEADERS:
        return HEADERS[role]
    if role.startswith("authenticated:"):
        return "Bearer " + sign({**MEMBER, "sub": role.split(":", 1)[1]}, secret)
    if role == "lower-case-bearer":
        return "bearer " + sign(MEMBER, secret)
    if role == "bad-signature":
        return "Bearer " + sign(MEMBER, "x" + secret)
    claims, algorithm = TOKENS[role]
    return "Bearer " + sign(claims, secret, algorithm)


def sign(claims: Any, secret: str, algorithm: str = "HS256") -> str:
    """A JWT, also of kinds that a library would refuse to make."""

    def encode(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    head = ".".join(encode(json.dumps(p, separators=(",", ":")).encode()) for p in parts)
    if algorithm == "none":
        return head + "."
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    return f"{head}.{encode(hmac.new(secret.encode(), head.encode(), digest).digest())}"


def differences(golden: dict[str, Any], got: Answer) -> list[str]:
    """Everything in which an answer differs from the recorded one; empty when they agree."""
    want, found = golden["response"], []
    if want["status"] != got.status:
        found.append(f"status {got.status} instead of {want['status']}")
    for name in sorted(set(want["headers"]) | {n for n in got.headers if COMPARED.fullmatch(n)}):
        expected, actual = want["headers"].get(name), got.headers.get(name)
        if not _matches(expected, actual):
            found.append(f"header {name}: {actual!r} instead of {expected!r}")
    if golden["request"]["method"] == "HEAD":
        return found
    text = got.body.decode()
    if "body" in want:
        if not text or not _same(want["body"], json.loads(text)):
            found.append(f"body {text} instead of {json.dumps(want['body'], ensure_ascii=False)}")
    elif text != want.get("body_text", ""):
        found.append(f"body {text!r} instead of {want.get('body_text', '')!r}")
    if "body_raw" in want and text != want["body_raw"]:
        found.append(f"bytes {text!r} instead of {want['body_raw']!r}")
    return found


def _matches(expected: str | None, actual: str | None) -> bool:
    if expected is None or actual is None:
        return expected is actual
    pattern = ".*".join(re.escape(part) for part in expected.split("<any>"))
    return re.fullmatch(pattern, actual) is not None


def _same(want: Any, got: Any) -> bool:
    """Whether two JSON values are equal, in the order of their keys too."""
    if want == "<any>":
        return True
    if isinstance(want, dict) and isinstance(got, dict):
        return list(want) == list(got) and all(_same(want[key], got[key]) for key in want)
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(_same, want, got))
    return type(want) is type(got) and bool(want == got)
