"""Sends recorded requests in order and says how each answer differs from the recorded one."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import http.client
import json
import re
import time
from pathlib import Path
from typing import Any

import jwt

HERE = Path(__file__).parent
FAR, PAST = 4102444800, 1700000000  # 2100 and 2023: fixed, so that claims are the same every time
USERS = {
    "alice": "a11ce000-0000-4000-8000-000000000001",
    "bob": "b0b00000-0000-4000-8000-000000000002",
    "carol": "ca401000-0000-4000-8000-000000000003",
}
ALICE = {"role": "authenticated", "sub": USERS["alice"]}
# Row "as" -> claims; "badsig", "garbage", "none" and "apikey-only" are no tokens of the project.
TOKENS: dict[str, dict[str, Any]] = {
    **{name: {"role": "authenticated", "sub": sub, "exp": FAR} for name, sub in USERS.items()},
    "anon": {"role": "anon", "exp": FAR},
    "service": {"role": "service_role", "exp": FAR},
    "expired": {**ALICE, "exp": PAST},
    "norole": {"sub": USERS["alice"], "exp": FAR},
    "nosub": {"role": "authenticated", "exp": FAR},
    "noexp": ALICE,
    "strangerole": {**ALICE, "role": "no_such_role", "exp": FAR},
}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)?")
HTTP_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
# Other headers change from answer to answer or belong to the web server.
COMPARED = re.compile(
    r"content-(type|length|range|disposition|encoding)|cache-control|etag|accept-ranges|expires"
    r"|last-modified|x-robots-tag|location|allow|www-authenticate|vary|access-control-.*"
)


class Answer:
    """A response as it came."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


def load_goldens() -> list[dict[str, Any]]:
    """Every recorded pair, in the order of the recording."""
    lines = (HERE / "goldens.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def replay(port: int, secret: str, goldens: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Send all; by id, how each answer differs."""
    seen: dict[str, str] = {}
    said = {}
    for golden in goldens:
        if golden.get("wait"):  # time passes: the tokens that the request names are over now
            for name in re.findall(r"\{\{([\w.-]+)\}\}", golden["path"]):
                seen[name] = _expired(seen[name], secret)
        answer = send(port, secret, golden, seen)
        for name, rule in golden.get("capture", {}).items():
            text = answer.body.decode("utf-8", "replace")
            if rule["from"] == "header":
                text = answer.headers.get(rule["name"], "")
            found = re.search(rule["regex"], text)
            seen[name] = found[1] if found else "missing"
        said[golden["id"]] = differences(golden, answer)
    return said


def send(port: int, secret: str, golden: dict[str, Any], seen: dict[str, str]) -> Answer:
    """Send one recorded request to a server on this machine; its path goes out literally."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection._validate_path = lambda url: None  # type: ignore[attr-defined]
    try:
        connection.putrequest(golden["method"], _fill(golden["path"], seen), False, True)
        for name, value in {**_credentials(golden["as"], secret), **golden["headers"]}.items():
            connection.putheader(name, _fill(value, seen))
        body = _body(golden)
        if golden.get("chunked"):
            connection.putheader("transfer-encoding", "chunked")
            connection.endheaders(body, encode_chunked=True)
        else:
            if body is not None or golden.get("content_length_zero"):
                connection.putheader("content-length", str(len(body or b"")))
            connection.endheaders()
            _send_body(connection, body)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def _send_body(connection: http.client.HTTPConnection, body: bytes | None) -> None:
    # Refused before all was sent: the answer is there.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.send(body or b"")


def _credentials(who: str, secret: str) -> dict[str, str]:
    def token(name: str, key: str = secret) -> str:
        return jwt.encode(TOKENS[name], key, "HS256")

    if who == "none":
        return {}
    if who == "apikey-only":
        return {"apikey": token("anon")}
    bearer = {"garbage": "not-a-token", "badsig": token("alice", secret + "x")}.get(who)
    apikey = token("service" if who == "service" else "anon")
    return {"apikey": apikey, "authorization": f"Bearer {bearer or token(who)}"}


def _body(golden: dict[str, Any]) -> bytes | None:
    body: Any = golden.get("body")
    match golden.get("body_encoding"):
        case "text":
            return bytes(body, "utf-8")
        case "base64":
            return base64.b64decode(body)
        case "repeat":
            many = bytes.fromhex(body["byte"]) * body["count"]
            head, tail = (bytes(body.get(part, ""), "utf-8") for part in ("head", "tail"))
            return b"".join((head, many, tail))
    return None


def _fill(text: str, seen: dict[str, str]) -> str:
    return re.sub(r"\{\{([\w.-]+)\}\}", lambda found: seen[found[1]], text)


def _expired(token: str, secret: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**claims, "exp": int(time.time()) - 1}, secret, "HS256")


def differences(golden: dict[str, Any], answer: Answer) -> list[str]:
    """One line for each thing that is not as recorded."""
    said = []
    if answer.status != golden["status"]:
        said.append(f"status {answer.status}, recorded {golden['status']}")
    if golden.get("compare") == "status":
        return said
    got, recorded = (
        _comparable(_ordered(golden, body)) for body in (_decoded(answer), golden["response_body"])
    )
    if got != recorded:
        said.append(f"body {got!r}, recorded {recorded!r}")
    is_json = golden["response_body_encoding"] == "json"
    headers = _comparable_headers(answer.headers, is_json)
    wanted = _comparable_headers(golden["response_headers"], is_json)
    return said + [
        f"header {name} {headers.get(name)!r}, recorded {wanted.get(name)!r}"
        for name in sorted({*headers, *wanted})
        if headers.get(name) != wanted.get(name)
    ]


def _decoded(answer: Answer) -> Any:
    """The body in the form in which the recording has it."""
    if not answer.body:
        return None
    if "json" in answer.headers.get("content-type", ""):
        try:
            return json.loads(answer.body)
        except ValueError:
            pass
    if len(answer.body) > 4096:
        return {"sha256": hashlib.sha256(answer.body).hexdigest(), "length": len(answer.body)}
    try:
        return answer.body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(answer.body).decode()


def _ordered(golden: dict[str, Any], value: Any) -> Any:
    return sorted(value, key=lambda item: item["name"]) if golden.get("unordered") else value


def _comparable(value: Any) -> Any:
    """The value without what is different every time: ids, times, signatures."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _cursor(item) if name == "nextCursor" else _comparable(item)
            for name, item in value.items()
        }
    return value


def _text(text: str) -> str:
    text = JWT.sub(lambda found: _claims(found[0]), text)
    text = TIME.sub("<time>", HTTP_DATE.sub("<http-date>", text))
    fixed = ("c0000000-", *USERS.values())  # ids of the fixture
    return UUID.sub(lambda found: found[0] if found[0].startswith(fixed) else "<uuid>", text)


def _claims(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    lifetime = claims.pop("exp", 0) - claims.pop("iat", 0)
    return f"<jwt {json.dumps(claims, sort_keys=True)} for {lifetime} s>"


def _cursor(text: str) -> str:
    try:
        return _text(base64.b64decode(text).decode())
    except (binascii.Error, ValueError):
        return text


def _comparable_headers(headers: dict[str, str], is_json: bool) -> dict[str, str]:
    return {
        name: _text(value)
        for name, value in headers.items()
        if COMPARED.fullmatch(name) and not (name == "content-length" and is_json)
    }
