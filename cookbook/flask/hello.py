from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return "Hello from Flask\n"


@app.post("/shout")
def shout():
    return request.get_data(as_text=True).upper() + "\n"
