"""A WSGI application (PEP 3333) that needs nothing but Python."""
import html, os, platform, threading


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    rows = {
        "Python": platform.python_version(),
        "worker process": os.getpid(),
        "thread": threading.current_thread().name,
        "SCRIPT_NAME": environ["SCRIPT_NAME"],
        "PATH_INFO": environ["PATH_INFO"],
        "QUERY_STRING": environ["QUERY_STRING"],
    }
    yield b'<!doctype html><html lang="en"><title>WSGI</title><link rel="stylesheet" href="/style.css">'
    yield b'<meta name="viewport" content="width=device-width">'
    yield b'<body class="small"><h1>From Python</h1><table>'
    for name, value in rows.items():
        yield f'<tr><th scope="row">{name}</th><td>{html.escape(str(value))}</td></tr>'.encode()
    yield b"</table>"
