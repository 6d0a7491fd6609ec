"""Pages of the site: a list with whole URLs, a redirect with one, and files for those who are logged in."""

import os

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.html import format_html_join

from application.models import Paper


def front(request):
    """What there is, and how the site thinks it was reached."""
    links = format_html_join("\n", '<li><a href="{}">{}</a></li>', (
        (request.build_absolute_uri(paper.get_absolute_url()), paper.title) for paper in Paper.objects.all()))
    return HttpResponse(f"<!doctype html><title>Papers</title><ul>{links}</ul>"
                        f"<p id=site>{request.build_absolute_uri('/')}</p>"
                        f"<p id=client>{request.META.get('HTTP_X_REAL_IP')}</p>")


def old(request):
    """A page that has moved, to a whole URL."""
    return HttpResponseRedirect(request.build_absolute_uri("/"))


@login_required(login_url="/admin/login/")
def download(request, number):
    """The file itself is sent by the server in front."""
    paper = get_object_or_404(Paper, pk=number)
    return HttpResponse(content_type="application/pdf", headers={
        "X-Accel-Redirect": paper.file.url,
        "Content-Disposition": f'attachment; filename="{os.path.basename(paper.file.name)}"'})
