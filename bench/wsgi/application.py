"""What every server of the comparison runs: a bare application, and a page of Django with its usual middleware."""

import os
import tempfile
import time

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

settings.configure(
    SECRET_KEY="for measurements only",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()
site = get_wsgi_application()

PAGE = engines["django"].from_string(
    "<!doctype html><title>{{ title }}</title><table>{% for item in items %}<tr><td>{{ item.name }}<td>"
    "{{ item.price|floatformat:2 }}{% if item.price > 50 %}<td>dear{% endif %}{% endfor %}</table>"
)
ITEMS = [{"name": "thing <%d>" % number, "price": number * 1.5} for number in range(30)]
FILE = tempfile.NamedTemporaryFile()
FILE.write(os.urandom(1 << 20))
FILE.flush()


def page(request):
    return HttpResponse(PAGE.render({"title": "Things", "items": ITEMS}))


urlpatterns = [path("page", page)]


def application(environ, start_response):
    asked = environ["PATH_INFO"]
    if asked == "/page":
        return site(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if asked == "/file":
        return environ["wsgi.file_wrapper"](open(FILE.name, "rb"))
    if asked == "/echo":
        return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]
    if asked == "/chunks":
        return (b"hello world" for _ in range(1000))
    if asked == "/sleep":
        time.sleep(0.02)
    return [b"Hello, world\n"]
