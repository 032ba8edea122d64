"""The pages of runs, served to browsers of this machine.

A page is had by whoever knows the address, which holds a random token. A request that names another host than this
machine is refused, since a name of anybody's can be made to mean this machine. Nothing is changed but by a flag.
"""

import asyncio
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import polars as pl
from aiohttp import web

from hipo_data.pipeline.viewer.filters import Filters, matching
from hipo_data.pipeline.viewer.index import Index
from hipo_data.pipeline.viewer.pages import (
    Links,
    Look,
    message_page,
    options_of,
    policy,
    problem_page,
    problems_page,
    runs_page,
)
from hipo_data.pipeline.viewer.shown_run import ShownRun, nothing_yet
from hipo_data.schemas.errors import RunFailedError, UserError

HOST = "127.0.0.1"
_WAIT_S = 1.2
"""For a search, before what it has found so far is shown."""
_MOST_BODY = 16 * 2**10
_MOST_REMARK = 500
_HEADERS = {
    "Content-Security-Policy": policy(served=True),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_RUN = web.AppKey("run", ShownRun)


class Viewer:
    """What is asked of the server, and answered."""

    def __init__(self, runs: Sequence[ShownRun], token: str | None = None) -> None:
        self.runs = runs
        self.token = token or secrets.token_urlsafe(24)

    def app(self) -> web.Application:
        """The application."""
        made = web.Application(middlewares=[self._guarded], client_max_size=_MOST_BODY)
        start = "/{token}"
        made.router.add_get(f"{start}/", self._home)
        made.router.add_get(f"{start}/{{run:\\d+}}/", self._in_thread(self._problems))
        made.router.add_get(f"{start}/{{run:\\d+}}/p/{{problem:[0-9a-f]{{32}}}}", self._in_thread(self._problem))
        made.router.add_post(f"{start}/{{run:\\d+}}/flag", self._flag)
        return made

    def read(self) -> None:
        """Reads what the first page of each run needs. Raises `StorageError`."""
        for run in self.runs:
            assert run.index().problems is not None

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            if not _means_this_machine(request.host):
                raise web.HTTPMisdirectedRequest(text="this server answers to localhost alone\n")
            given = request.path.split("/")[1]
            if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode()):
                raise web.HTTPNotFound(text="there is nothing here; the whole address is what hipo-data view printed\n")
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        response.headers.update(_HEADERS)
        return response

    async def _home(self, request: web.Request) -> web.Response:
        if len(self.runs) == 1:
            raise web.HTTPFound("0/")
        return await asyncio.to_thread(self._runs)

    def _runs(self) -> web.Response:
        rows = [
            {"href": f"{at}/", "name": run.name, "place": str(run.run_dir), "problems": run.index().problems.height}
            for at, run in enumerate(self.runs)
        ]
        return _html(runs_page(rows, served=True))

    def _in_thread(
        self, answer: Callable[[ShownRun, web.Request], web.Response]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            run = self._run(request)
            try:
                return await asyncio.to_thread(answer, run, request)
            except UserError as error:
                return _sentence(run, str(error), 500 if isinstance(error, RunFailedError) else 400, _up(request))

        return handler

    def _run(self, request: web.Request) -> ShownRun:
        at = int(request.match_info["run"][:6])
        if at >= len(self.runs):
            raise web.HTTPNotFound(text="there is no such run here\n")
        return self.runs[at]

    def _problems(self, run: ShownRun, request: web.Request) -> web.Response:
        index = run.index()
        if not index.files.shards:
            return _html(message_page(run.name, nothing_yet(run.run_dir), again=5))
        asked, flags = Filters.asked(request.query), run.flags()
        found, searched = self._found(run, index, asked, flags)
        look = Look(run.name, str(run.run_dir), self._links("", problem="p/"))
        options = options_of(index, flags)
        return _html(
            problems_page(look, index, found, asked, flags, searched=searched, options=options, trouble=run.trouble)
        )

    def _found(
        self, run: ShownRun, index: Index, asked: Filters, flags: dict[str, str]
    ) -> tuple[pl.DataFrame, float | None]:
        """The problems that are meant, and how much of a search is done; null where none is asked for."""
        if not asked.text:
            return matching(index, asked, None, flags), None
        search = run.search(index, asked.text)
        search.wait(_WAIT_S)
        searched = search.done
        return matching(index, asked, search.rows, flags), searched

    def _problem(self, run: ShownRun, request: web.Request) -> web.Response:
        index, problem_id = run.index(), request.match_info["problem"]
        asked, flags = Filters.asked(request.query), run.flags()
        found, _ = self._found(run, index, asked, flags)
        ids = found["problem_id"]
        place = ids.eq(problem_id).arg_max() if (ids == problem_id).any() else None
        written = "written" in request.query
        links = self._links("../", problem="", flag="../flag")
        turned = asked.query() + ("" if written else "&written=1")
        page = problem_page(
            Look(run.name, str(run.run_dir), links),
            run.story(index, problem_id),
            asked,
            None if place is None else (place + 1, len(ids)),
            ids[place - 1] if place else None,
            ids[place + 1] if place is not None and place + 1 < len(ids) else None,
            served=True,
            written=written,
            turn=f"?{turned.removeprefix('&')}",
            remark=flags.get(problem_id),
        )
        return _html(page)

    def _links(self, up: str, *, problem: str, flag: str | None = None) -> Links:
        def problems(asked: Filters) -> str:
            return f"{up}?{asked.query()}" if asked.query() else up or "./"

        def one(problem_id: str, asked: Filters) -> str:
            query = replace(asked, page=1).query()
            return f"{problem}{problem_id}{'?' if query else ''}{query}"

        return Links(f"{up}../" if len(self.runs) > 1 else None, problems, one, flag)

    async def _flag(self, request: web.Request) -> web.Response:
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="a flag comes from a page of this server\n")
        form = await request.post()
        run, problem_id, remark = self._run(request), str(form.get("problem_id", "")), str(form.get("remark", ""))
        index = run.index()
        if index.problems.filter(problem_id=problem_id).is_empty():
            return _sentence(run, "there is no such problem to flag", 400, "./")
        query = Filters.asked(dict(parse_qsl(str(form.get("query", ""))))).query()
        kept = None if form.get("do") == "unflag" else " ".join(remark.split())[:_MOST_REMARK]
        try:
            await asyncio.to_thread(run.flag, problem_id, kept)
        except UserError as error:
            return _sentence(run, str(error), 500, f"p/{problem_id}")
        raise web.HTTPSeeOther(f"p/{problem_id}?{query}".removesuffix("?"))


def _up(request: web.Request) -> str:
    return "../" if "problem" in request.match_info else "./"


def _html(page: str, status: int = 200) -> web.Response:
    return web.Response(text=page, content_type="text/html", charset="utf-8", status=status)


def _sentence(run: ShownRun, sentence: str, status: int, back: str) -> web.Response:
    return _html(message_page(run.name, f"{sentence[:1].upper()}{sentence[1:]}.", back), status)


def _means_this_machine(host: str) -> bool:
    """Whether a request's host is `localhost` or a loopback address; the port may be that of a tunnel."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def serve(viewer: Viewer, port: int, say: Callable[[str], None]) -> None:
    """Serves until it is interrupted. Port 0 is any free one. Raises `UserError` where the port is taken.

    Args:
        say: is told the address once it can be asked.
    """
    with closing(_listening(port)) as listening:
        asyncio.run(_serve(viewer, listening, say))


def _listening(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen()
    except OSError as error:
        made.close()
        raise UserError(f"port {port} cannot be had ({error.strerror}); choose another --port, or none") from error
    return made


async def _serve(viewer: Viewer, listening: socket.socket, say: Callable[[str], None]) -> None:
    runner = web.AppRunner(viewer.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        await asyncio.to_thread(viewer.read)  # whoever follows the address at once waits for nothing
        say(f"http://{HOST}:{listening.getsockname()[1]}/{viewer.token}/")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
