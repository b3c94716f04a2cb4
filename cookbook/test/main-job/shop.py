# Django in one file: a page from a template, a form that is guarded by a token, an upload, a streamed answer.
import hashlib

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="for a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

PAGE = engines["django"].from_string("<p>{{ things|join:', ' }} for {{ name }}\n")
FORM = engines["django"].from_string("<form method=post>{% csrf_token %}<input name=name></form>\n")


def things(request, name):
    return HttpResponse(PAGE.render({"things": ["cup", "tea & milk"], "name": name}, request))


def order(request):
    if request.method == "POST":
        return HttpResponse(f"ordered by {request.POST['name']}\n", status=201)
    return HttpResponse(FORM.render({}, request))


@csrf_exempt
def upload(request):
    return HttpResponse(f"{len(request.body)} {hashlib.sha256(request.body).hexdigest()}\n")


def export(request):
    return StreamingHttpResponse((f"row {number}\n" for number in range(1000)), content_type="text/csv")


urlpatterns = [path("things/<name>", things), path("order", order), path("upload", upload), path("export", export)]
application = get_wsgi_application()
