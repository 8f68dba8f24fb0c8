# The Flask app for production. Settings: .env.example; what serves it: webhooks/gunicorn_conf.py.
FROM python:3.11-slim

WORKDIR /app
COPY requirements-production.txt ./
RUN pip install --no-cache-dir -r requirements-production.txt
COPY webhooks ./webhooks

# A number, so that an orchestrator can see that it is not root.
USER 10001
ENV APP_ENV=production HOST=0.0.0.0 PORT=5000
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["python", "-c", \
  "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=2)"]
CMD ["gunicorn", "-c", "webhooks/gunicorn_conf.py"]
