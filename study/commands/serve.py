"""`python -m study serve`: the studies alone, without the app and its models."""

from pathlib import Path

from study.catalogue import StudyError
from study.serving import PATH, prepare


def serve(
    host: str = "127.0.0.1",
    port: int = 7861,
    studies: Path | None = None,
    database: str | None = None,
    demo: bool = False,
    proxy: bool = False,
) -> None:
    """Serve all studies of a folder until interrupted; no line of the log names who asked.

    Args:
        host: address to listen on.
        port: 0 for a free one.
        studies: the folder; by default DANQING_STUDIES or `studies`.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file in the folder.
        demo: offer the demonstration too.
        proxy: trust the X-Forwarded-* headers of a proxy in front, which must set them itself.
    """
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import RedirectResponse
    from starlette.routing import Mount, Route

    served = prepare(studies, database, demo)
    for sentence in served.refused:
        print(f"study not opened: {sentence}", flush=True)
    if not served.catalogue.names():
        raise StudyError("There is no study to serve: make one with `python -m study new`, or add --demo.")
    routes = [Mount(PATH, app=served.application), Route("/", lambda _: RedirectResponse(f"{PATH}/"))]
    options = {"proxy_headers": proxy, "forwarded_allow_ips": "*" if proxy else None}
    config = uvicorn.Config(
        Starlette(routes=routes), host, port, access_log=False, log_level="warning", server_header=False, **options
    )
    server = uvicorn.Server(config)
    socket = config.bind_socket()  # listening before it is said to be
    print(
        f"serving {', '.join(served.catalogue.names())} at http://{host}:{socket.getsockname()[1]}{PATH}/", flush=True
    )
    server.run(sockets=[socket])
