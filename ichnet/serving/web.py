"""HTTP endpoints for health, readiness, metrics and the page, for this machine only."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ichnet.reporting.pages.html import (
    inline_json,
    joined_scripts,
    page_environment,
    script_hash,
)
from ichnet.reporting.review.page import viewer_settings
from ichnet.serving.metrics import Metrics

LOOPBACK = "127.0.0.1"

HOSTS = ["127.0.0.1", "localhost"]
"""Accepted host names, as protection against DNS rebinding by other web sites."""

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

REFRESH_S = 5


class Pulse:
    """Liveness of the parts of a service.

    Attributes:
        ready: whether the model is loaded and the node listens.
    """

    def __init__(self) -> None:
        self.ready = False
        self._threads: dict[str, Callable[[], bool]] = {}

    def watch(self, name: str, is_alive: Callable[[], bool]) -> None:
        """Add a part."""
        self._threads[name] = is_alive

    def dead(self) -> list[str]:
        """Return the parts that have ended."""
        return [name for name, is_alive in self._threads.items() if not is_alive()]


def application(
    metrics: Metrics,
    pulse: Pulse,
    overview: Callable[[], dict[str, Any]] | None = None,
    scan: Callable[[str], dict[str, Any] | None] | None = None,
) -> Starlette:
    """Return what is served.

    Args:
        metrics: of the service.
        pulse: likewise.
        overview: what the page shows of the queue; ``None`` for no page.
        scan: what it shows of a series, by its name; ``None`` of one that is unknown.
    """

    def health(request: Request) -> Response:
        dead = pulse.dead()
        return JSONResponse({"dead": dead}, 503 if dead else 200)

    def ready(request: Request) -> Response:
        return JSONResponse({"ready": pulse.ready}, 200 if pulse.ready else 503)

    def metrics_text(request: Request) -> Response:
        return PlainTextResponse(metrics.text(), media_type=PROMETHEUS)

    routes = [
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", metrics_text),
    ]
    if overview is not None and scan is not None:
        routes += _page_routes(overview, scan)
    return Starlette(
        routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)]
    )


def _page_routes(
    overview: Callable[[], dict[str, Any]], scan: Callable[[str], dict[str, Any] | None]
) -> list[Route]:
    environment = page_environment()
    script = joined_scripts(environment, "slices.js", "serving.js")
    settings = {**viewer_settings(), "refresh_s": REFRESH_S}
    page = environment.get_template("serving.html").render(
        settings=Markup(inline_json(settings)), script=Markup(script)
    )
    headers = {
        "Content-Security-Policy": (
            "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; connect-src "
            f"'self'; frame-ancestors 'none'; script-src '{script_hash(script)}'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    def show(request: Request) -> Response:
        return HTMLResponse(page, headers=headers)

    def tell_overview(request: Request) -> Response:
        return JSONResponse(overview(), headers=headers)

    def tell_scan(request: Request) -> Response:
        found = scan(request.path_params["name"])
        return JSONResponse(found, 200 if found else 404, headers=headers)

    return [
        Route("/", show),
        Route("/api/overview", tell_overview),
        Route("/api/series/{name}", tell_scan),
    ]


class Web:
    """Serves an application from its making until :meth:`close`.

    Args:
        app: what is served.
        port: on loopback; 0 for any that is free.

    Raises:
        OSError: when the port is taken.
    """

    def __init__(self, app: Starlette, port: int) -> None:
        self._socket = socket.create_server((LOOPBACK, port))
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="web", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)

    def close(self) -> None:
        """Stop listening."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        with suppress(OSError):
            self._socket.close()
