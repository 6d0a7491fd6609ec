from django.db import models


class Paper(models.Model):
    title = models.CharField(max_length=200)
    published = models.DateField()
    file = models.FileField()

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"/papers/{self.pk}/"
