import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

settings.configure(SECRET_KEY="for this recipe only", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[])


def hello(request, name):
    return HttpResponse(f"Hello {name} from Django, process {os.getpid()}\n", content_type="text/plain")


def upload(request):
    return HttpResponse(f"{len(request.body)} bytes by {request.method}\n", content_type="text/plain")


def stream(request):
    return StreamingHttpResponse((f"line {n}\n" for n in range(3)), content_type="text/plain")


urlpatterns = [path("hello/<name>", hello), path("upload", upload), path("stream", stream)]
django.setup()
application = WSGIHandler()
