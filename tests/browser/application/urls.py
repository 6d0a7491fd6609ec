from django.contrib import admin
from django.urls import path

from application import views

urlpatterns = [
    path("", views.front),
    path("old/", views.old),
    path("papers/<int:number>/", views.download),
    path("admin/", admin.site.urls),
]
