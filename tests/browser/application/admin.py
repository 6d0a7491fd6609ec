from django.contrib import admin

from application.models import Paper


@admin.register(Paper)
class PaperAdmin(admin.ModelAdmin):
    list_display = ("title", "published", "file")
    search_fields = ("title",)
