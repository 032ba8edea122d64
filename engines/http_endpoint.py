"""One address and key: HTTP requests, and what their answers mean."""

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus
from urllib.request import getproxies, proxy_bypass

import aiohttp
import yarl

from hipo_data.engines.clock import Clock
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind, status_kind, status_text
from hipo_data.engines.json_body import Unreadable, parsed
from hipo_data.engines.retry_headers import pause_asked_for
from hipo_data.schemas.config import Endpoint, OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.without_secrets import HIDDEN, names_secret, shown_text, shown_url

PUBLIC_URL = "https://api.openai.com/v1"
CONNECT_TIMEOUT_S = 30.0
_JSON = {"Content-Type": "application/json"}
_LONG = 16
"""Characters from which a value in a query is taken for a key, whatever its name."""
_KEEP_IDLE_S = 4.0
"""Below uvicorn's 5 seconds, so that no request goes out on a connection that the server is closing."""


class HttpEndpoint:
    """Talks JSON with one endpoint. Raises `EngineRefusedError` where key or address cannot be used at all.

    The client is aiohttp and not the openai package, which spends five to ten times as long on a request.
    """

    def __init__(self, config: OpenAIEngine, endpoint: Endpoint, clock: Clock) -> None:
        base_url = endpoint.base_url or config.base_url or os.environ.get("OPENAI_BASE_URL")
        self.model = endpoint.model or config.model
        self._key_name = endpoint.api_key_env or config.api_key_env
        self._key = self._find_key(required=base_url is None or endpoint.api_key_env is not None)
        url = _parsed_url(base_url or PUBLIC_URL)
        self._user, self._password = url.user or "", url.password or ""
        self.authorization = f"Bearer {self._key or 'none'}"  # some local servers insist on a key, whichever
        """A secret."""
        if url.user is not None:
            self.authorization = aiohttp.encode_basic_auth(url.user, self._password)
        self._url = url.with_user(None).with_path(url.path.rstrip("/"), keep_query=True)
        self.address = str(self._url.with_query(None)).rstrip("/")
        if len(config.endpoints) > 1:
            self.address += f" (key in {self._key_name})"
        self.other_models: set[str] = set()
        """Names of other models that replies came under."""
        self._paths: dict[str, yarl.URL] = {}
        self._secrets = _secrets(url, self._key, self.authorization)
        self._config = config
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """The address without its query and password."""
        return str(self._url.with_query(None))

    @property
    def query(self) -> Mapping[str, str]:
        """Of the address, such as an API version; goes with every request."""
        return self._url.query

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The parsed answer to `body`. Raises `EndpointFailure`."""
        try:
            data = json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            reason = error.reason
        else:
            return await self._ask("POST", path, data=data, headers=_JSON)
        raise EndpointFailure(Kind.REJECTED, f"the prompt is not valid Unicode: {reason}")

    async def get(self, path: str) -> Any:
        """The parsed answer. Raises `EndpointFailure`."""
        return await self._ask("GET", path)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def without_key(self, text: str) -> str:
        """`text` with the secrets blotted out: those of this endpoint, and what else an address in it may hold."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return shown_text(text)

    def status_failure(self, status: int, headers: Mapping[str, str], body: Any) -> EndpointFailure:
        """What an answer under `status` means, of 300 or more or with a body that is not JSON."""
        if status < 300:
            what = body.what if isinstance(body, Unreadable) else "not JSON"
            text = f"the reply of {self.address} is {what} but begins with {str(body)[:80]!r}"
            return EndpointFailure(Kind.BROKEN, self.without_key(text), status=status)
        if status < 400:
            body = f"it redirects to {headers.get('Location', 'nowhere')}; set base_url to where it leads"
        text = self.without_key(f"{self.address} {status_text(status, body, self._config.max_tokens_field)}")
        if status == 401 and not (self._key or self._user):
            why = f"{self._key_name} is not set where this engine runs" if self._key_name else "none is named"
            text += f" (no key was sent, since {why})"
        return EndpointFailure(
            status_kind(status, body, self.model),
            text,
            pause_s=pause_asked_for(headers, self._clock.wall()),
            status=status,
        )

    def no_answer(self, kind: Kind, error: BaseException) -> EndpointFailure:
        """A request that ended without a whole answer."""
        what = "no answer from" if kind is Kind.UNREACHABLE else "no whole answer from"
        return EndpointFailure(kind, f"{what} {self.address}: {self.without_key(str(error) or type(error).__name__)}")

    async def _ask(self, method: str, path: str, **how: Any) -> Any:
        if self._session is None:
            self._session = self._open()
        url = self._paths.get(path) or self._paths.setdefault(path, (self._url / path).with_query(self._url.query))
        failure: EndpointFailure
        try:
            async with self._session.request(method, url, allow_redirects=False, **how) as reply:
                raw = await self._body(reply)
        except aiohttp.ClientConnectorCertificateError as error:
            said = self.without_key(str(error))
            failure = EndpointFailure(Kind.REFUSED, f"the certificate of {self.address}: {said}")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            failure = self.no_answer(Kind.UNREACHABLE, error)
        except TimeoutError:
            limit = f"{self._config.request_timeout_s:g} s"
            failure = EndpointFailure(Kind.OVERLOADED, f"no whole answer from {self.address} within {limit}")
        except (aiohttp.ClientError, OSError) as error:
            failure = self.no_answer(Kind.BROKEN, error)
        except _TooLargeError as error:
            failure = EndpointFailure(Kind.BROKEN, str(error))
        else:
            body = parsed(raw)
            if reply.status < 300 and not isinstance(body, Unreadable):
                return body
            failure = self.status_failure(reply.status, reply.headers, body)
        # Raised out here, where no error of the client hangs on to it: those hold the request's headers.
        raise failure

    async def _body(self, reply: aiohttp.ClientResponse) -> bytes:
        """All of it. Raises `_TooLargeError`, and reads no further, once there is more than the config takes."""
        parts, size = [], 0
        async for part in reply.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > self._config.max_reply_mb * 1e6:
                reply.close()
                limit = f"{self._config.max_reply_mb:g} MB"
                raise _TooLargeError(f"the reply of {self.address} is larger than {limit}; see max_reply_mb")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            # The pool bounds the requests in flight; a second bound here would only make them time out.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_IDLE_S),
            timeout=aiohttp.ClientTimeout(total=self._config.request_timeout_s, sock_connect=CONNECT_TIMEOUT_S),
            headers={"Authorization": self.authorization},
            proxy=self._proxy(),
        )

    def _proxy(self) -> str | None:
        """From the environment, once: aiohttp's own `trust_env` looks at it, and at ~/.netrc, for every request."""
        host = self._url.host or ""
        return None if proxy_bypass(host) else getproxies().get(self._url.scheme)

    def _find_key(self, *, required: bool) -> str:
        if self._key_name is None and required:
            raise EngineRefusedError("OpenAI's own address takes no request without a key; set api_key_env")
        key = os.environ.get(self._key_name, "").strip() if self._key_name else ""
        if required and not key:
            raise EngineRefusedError(
                f"the environment variable {self._key_name}, which holds the key, is not set or empty"
            )
        if not (key.isascii() and key.isprintable()):
            raise EngineRefusedError(
                f"the key in {self._key_name} holds a line break or another character that no key can have"
            )
        return key


def _parsed_url(base_url: str) -> yarl.URL:
    try:
        url = yarl.URL(base_url.strip())
    except ValueError:
        url = yarl.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise EngineRefusedError(f"base_url '{shown_url(base_url)}' does not begin with http:// or https:// and a host")
    return url


def _secrets(url: yarl.URL, key: str, authorization: str) -> list[str]:
    """What a server or a library may repeat, the longest first; of the query only what is not likely to be a word."""
    proxies = [yarl.URL(proxy) for proxy in getproxies().values() if "@" in proxy]
    found = {key, authorization.partition(" ")[2] if key or url.user else ""}
    for address in (url, *proxies):
        found |= {address.password or "", address.raw_password or ""}
        if not address.password:
            found |= {address.user or "", address.raw_user or ""}
    for name, value in url.query.items():
        if names_secret(name) or name in ("key", "code", "sig") or len(value) >= _LONG:
            found |= {value, quote(value, safe=""), quote_plus(value)}
    return sorted(filter(None, found), key=len, reverse=True)


class _TooLargeError(Exception):
    """A body that has no end, or might as well have none."""
