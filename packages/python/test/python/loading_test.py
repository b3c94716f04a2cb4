"""From what the user wrote to an application: what is a name, what is ASGI, and what is said where it is neither."""

import functools
import importlib
import os
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

from onezero_worker import loading
from onezero_worker.loading import check_interface, file_in, find_object, is_asgi, leads_to, load, load_file, parse_name, takes


def wsgi_function(environ, start_response):
    return []


async def asgi_function(scope, receive, send):
    pass


class WsgiObject:
    def __call__(self, environ, start_response):
        return []


class AsgiObject:
    async def __call__(self, scope, receive, send):
        pass


class WsgiClass:
    def __init__(self, environ, start_response):
        self.start_response = start_response

    def __iter__(self):
        return iter(())


class AsgiStatic:
    @staticmethod
    async def __call__(scope, receive, send):
        pass


class AsgiOfClass:
    @classmethod
    async def __call__(cls, scope, receive, send):
        pass


class WsgiStatic:
    @staticmethod
    def __call__(environ, start_response):
        return []


class AsgiClass:
    """What is awaited is made for each request, as Starlette's HTTPEndpoint is."""

    def __init__(self, scope, receive, send):
        pass

    def __await__(self):
        yield


class AsgiTwo:
    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        pass


def decorated(function):
    @functools.wraps(function)
    def inner(*words):
        return function(*words)

    return inner


class Names(unittest.TestCase):
    def test_names_and_calls(self):
        cases = {
            "app": (["app"], None, {}),
            " app ": (["app"], None, {}),
            "a.b.c": (["a", "b", "c"], None, {}),
            "make()": (["make"], [], {}),
            "a.make('x', 1, None)": (["a", "make"], ["x", 1, None], {}),
            "make(debug=True, names=['a', 'b'])": (["make"], [], {"debug": True, "names": ["a", "b"]}),
            "make('a:b', -1, {'k': (1, 2)})": (["make"], ["a:b", -1, {"k": (1, 2)}], {}),
            "ünï": (["ünï"], None, {}),
        }
        for text, expected in cases.items():
            self.assertEqual(parse_name(text), expected, text)

    def test_what_is_neither(self):
        for text in (
            "", " ", "1", "a b", "a-b", "'text'", "a[0]", "a()()", "make(x)", "make(*[])", "make(**{})", "make(f())", "make(a.b)",
            "(a, b)", "lambda: 1", "a = 1", "a;b", "make(", "a.", ".a", "make()[0]", "make().b", "a if b else c", "await a",
        ):  # fmt: skip
            with self.assertRaisesRegex(ValueError, "neither a name nor a call with literal arguments", msg=text):
                parse_name(text)

    def test_nothing_is_run_by_looking_at_a_name(self):
        with self.assertRaises(ValueError):
            parse_name("make(__import__('os').abort())")


class Objects(unittest.TestCase):
    def module(self, **members):
        module = types.ModuleType("site")
        module.__dict__.update(members)
        return module

    def test_the_usual_names_in_their_order(self):
        self.assertEqual(find_object(self.module(application=1, app=2), "", "site"), (1, "application"))
        self.assertEqual(find_object(self.module(app=2), "", "site"), (2, "app"))

    def test_a_submodule_of_a_usual_name_is_passed_over(self):
        app = types.ModuleType("site.app")
        self.assertEqual(find_object(self.module(application=app, app=2), "", "site"), (2, "app"))
        with self.assertRaisesRegex(AttributeError, r"it has a factory: write site:create_app\(\)"):
            find_object(self.module(app=app, create_app=lambda: 1), "", "site")
        self.assertEqual(find_object(self.module(app=app), "app", "site"), (app, "app"))

    def test_a_name_that_is_given(self):
        inner = types.SimpleNamespace(app=3)
        self.assertEqual(find_object(self.module(kit=inner, app=2), " kit.app ", "site"), (3, "kit.app"))
        made, name = find_object(self.module(make=lambda *words, **named: (words, named)), "make(1, a=2)", "site")
        self.assertEqual((made, name), (((1,), {"a": 2}), "make(1, a=2)"))

    def test_what_is_missing(self):
        with self.assertRaisesRegex(AttributeError, "neither 'application' nor 'app'; name what it has, as in site:NAME"):
            find_object(self.module(other=1), "", "site")
        for factory in ("create_app", "make_app"):
            with self.assertRaisesRegex(AttributeError, r"it has a factory: write site:%s\(\)" % factory):
                find_object(self.module(**{factory: lambda: 1}), "", "site")
        with self.assertRaisesRegex(AttributeError, "name what it has"):
            find_object(self.module(create_app="no function"), "", "site")
        with self.assertRaises(AttributeError):
            find_object(self.module(), "nothing.there", "site")


class Interfaces(unittest.TestCase):
    def test_what_is_asgi(self):
        targets = [asgi_function, AsgiObject(), AsgiObject().__call__, lambda scope, receive, send: None]
        for target in targets + [AsgiStatic(), AsgiOfClass(), AsgiClass, decorated(asgi_function), decorated(decorated(asgi_function))]:
            self.assertTrue(is_asgi(target), target)

    def test_what_is_not(self):
        def optional(environ, start_response, more=None):
            return []

        def anything(*words):
            return []

        targets = [wsgi_function, WsgiObject(), WsgiClass, WsgiStatic(), AsgiTwo, optional, anything, decorated(wsgi_function)]
        for target in targets + [decorated(WsgiStatic), len, dict, 1]:
            self.assertFalse(is_asgi(target), target)

    @unittest.skipUnless(sys.version_info >= (3, 14), "annotations are evaluated when they are written")
    def test_annotations_of_what_is_there_for_type_checkers_only(self):
        names = {}
        exec("async def app(scope: Scope, receive: Receive, send: Send) -> None:\n    pass\n", names)
        self.assertTrue(is_asgi(names["app"]))

    def test_what_each_object_says_for_itself(self):
        class Slotted:
            __slots__ = ("__call__",)

            def __init__(self, call):
                self.__call__ = call

        self.assertTrue(is_asgi(Slotted(asgi_function)))
        self.assertFalse(is_asgi(Slotted(wsgi_function)))
        self.assertIsNone(self.check(Slotted(asgi_function), "asgi"))
        self.assertIsNone(self.check(Slotted(wsgi_function), "wsgi"))

    def test_how_many_arguments_are_taken(self):
        self.assertEqual([takes(wsgi_function, count) for count in (1, 2, 3)], [False, True, False])
        self.assertEqual([takes(WsgiClass, count) for count in (1, 2, 3)], [False, True, False])
        self.assertEqual([takes(lambda *a: 1, count) for count in (0, 9)], [True, True])
        self.assertEqual(takes(lambda a, *, b: 1, 1), False)

    def check(self, target, interface, name="app"):
        try:
            check_interface(target, interface, "site:" + name, name)
        except TypeError as error:
            return str(error)
        return None

    def test_good_ones(self):
        for target in (wsgi_function, WsgiObject(), WsgiClass, WsgiStatic(), lambda *words: []):
            self.assertIsNone(self.check(target, "wsgi"))
        for target in (asgi_function, AsgiObject(), AsgiStatic(), AsgiClass, lambda *words: None):
            self.assertIsNone(self.check(target, "asgi"))

    def test_what_they_are_instead(self):
        cases = [
            (1, "wsgi", "site:app is not callable: 1"),
            (types.ModuleType("site.app"), "wsgi", "site:app is a module: name what is in it, as in site.app:NAME"),
            ("text", "asgi", "not callable"),
            (asgi_function, "wsgi", "is an ASGI application .* serve it as asgi"),
            (AsgiObject(), "wsgi", "is an ASGI application"),
            (wsgi_function, "asgi", "is a WSGI application .* serve it as wsgi"),
            (AsgiTwo, "asgi", "is an ASGI 2 application"),
            (lambda: 1, "wsgi", r"does not take \(environ, start_response\): is it a factory\? Then write site:app\(\)"),
            (lambda: 1, "asgi", r"does not take \(scope, receive, send\): is it a factory"),
        ]
        for target, interface, message in cases:
            self.assertRegex(self.check(target, interface) or "", message)


class Kinds(unittest.TestCase):
    def test_what_people_are_told_of_an_application(self):
        cases = {
            wsgi_function: "a function",
            len: "a function",
            WsgiClass: "a class",
            AsgiObject().__call__: "a method",
        }
        for target, kind in cases.items():
            self.assertEqual(loading.kind_of(target), kind)
        self.assertEqual(loading.kind_of(WsgiObject()), "an object of %s.WsgiObject" % __name__)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        path, modules, here = list(sys.path), set(sys.modules), os.getcwd()

        def restore():
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                del sys.modules[name]
            os.chdir(here)

        self.addCleanup(restore)
        os.chdir(self.folder)

    def write(self, name, text="NAME = __name__\n"):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_a_file_has_the_name_that_its_package_gives_it(self):
        cases = {
            "plain_one.py": "plain_one",
            "package_one/__init__.py": "package_one.__init__",
            "package_one/web.py": "package_one.web",
            "package_one/inner/__init__.py": "package_one.inner.__init__",
            "package_one/inner/deep.py": "package_one.inner.deep",
        }
        for name in cases:
            self.write(name)
        for name, module in cases.items():
            self.assertEqual(load_file(name).NAME, module)

    def test_a_file_whose_name_means_something_else_has_one_of_its_own(self):
        for name, module in {
            "sub/site.py": "onezero_site",
            "sub/web.wsgi": "onezero_web_wsgi",
            "sub/web.v2.py": "onezero_web_v2",
            "sub/my-app": "onezero_my_app",
        }.items():
            loaded = load_file(self.write(name))
            self.assertEqual((loaded.NAME, loaded.__file__), (module, os.path.join(self.folder, name)))
            self.assertIs(sys.modules[module], loaded)

    def test_a_folder_that_cannot_be_imported_by_its_name_is_no_package(self):
        for name, module in {
            "site/six.one.py": "onezero_six_one",
            "site/web_six.py": "web_six",
            "example.com/web_seven.py": "web_seven",
            "inspect/web_eight.py": "web_eight",
            "site/shop_six/web.py": "shop_six.web",
            "my-site/web.py": "my-site.web",
        }.items():
            path = self.write(name)
            for folder in (os.path.dirname(path), os.path.join(self.folder, name.partition("/")[0])):
                self.write(os.path.join(folder, "__init__.py"))
            self.assertEqual(load_file(path).NAME, module)

    def test_a_folder_with_the_name_of_a_package_of_python_does_not_take_its_place(self):
        path = self.write("sqlite3/web_ten.py")
        self.write("sqlite3/__init__.py")
        with mock.patch.dict(sys.modules), mock.patch.object(sys, "path", [self.folder, *sys.path]):
            for name in [name for name in sys.modules if name.partition(".")[0] == "sqlite3"]:
                del sys.modules[name]
            self.assertEqual(load_file(path).NAME, "web_ten")
            self.assertTrue(hasattr(importlib.import_module("sqlite3"), "connect"))
            self.write("test/__init__.py")
            self.assertEqual(load_file(self.write("test/web_ten.py")).NAME, "test.web_ten")

    def test_the_root_is_no_package(self):
        with mock.patch.object(os.path, "isfile", lambda path: True), self.assertRaises(FileNotFoundError):
            load_file("/no_such_six.py")

    def test_a_file_that_fails_is_no_module(self):
        with self.assertRaises(ZeroDivisionError):
            load_file(self.write("sub/fails.v2.py", "1 / 0\n"))
        self.assertNotIn("onezero_fails_v2", sys.modules)

    def test_a_file_that_is_not_there(self):
        with self.assertRaisesRegex(FileNotFoundError, "there is no file %s" % os.path.join(self.folder, "none.py")):
            load_file("none.py")

    def test_which_file_of_a_folder(self):
        for name in ("main.py", "application.py", "app.py", "asgi.py", "wsgi.py"):
            self.write("site_two/" + name)
            self.assertEqual(file_in("site_two", "wsgi"), os.path.join("site_two", name))
        self.assertEqual(file_in("site_two", "asgi"), os.path.join("site_two", "asgi.py"))
        self.assertEqual(file_in("site_two", "auto"), os.path.join("site_two", "wsgi.py"))

    def test_a_folder_like_those_of_django(self):
        self.write("project/manage.py")
        self.write("project/shop_two/wsgi.py")
        self.assertEqual(file_in("project", "wsgi"), os.path.join("project", "shop_two", "wsgi.py"))
        self.write("project/other/wsgi.py")
        expected = "several applications in %s: name one of project/other/wsgi.py and project/shop_two/wsgi.py"
        with self.assertRaisesRegex(LookupError, expected % os.path.join(self.folder, "project")):
            file_in("project", "wsgi")
        self.write("empty/other/main.py")
        with self.assertRaisesRegex(FileNotFoundError, "looked for wsgi.py, asgi.py, app.py, application.py, main.py"):
            file_in("empty", "wsgi")

    def test_whether_a_name_leads_to_a_file(self):
        sys.path.insert(0, self.folder)
        path = self.write("known_two.py")
        self.assertTrue(leads_to("known_two", path))
        self.assertFalse(leads_to("json", path))
        self.assertFalse(leads_to("no_such_module", path))
        self.assertFalse(leads_to("__main__", path))
        self.assertFalse(leads_to("sys", path))

    def test_modules_files_and_folders(self):
        sys.path.insert(0, self.folder)
        self.write("site_three.py", "def application(environ, start_response):\n    return ['module']\n")
        self.write("folder/app.py", "async def app(scope, receive, send):\n    pass\n")
        self.assertEqual(load("site_three", "auto")[1], "wsgi")
        self.assertEqual(load("./folder", "auto")[1], "asgi")
        self.assertEqual(load("folder/app.py:app", "asgi")[1], "asgi")
        with self.assertRaisesRegex(TypeError, "serve it as asgi"):
            load("folder/app.py", "wsgi")
        with self.assertRaises(ModuleNotFoundError):
            load("no_such_module_three", "auto")

    def test_a_folder_that_is_also_a_package_is_the_package(self):
        sys.path.insert(0, self.folder)
        self.write("both_four/__init__.py", "def app(environ, start_response):\n    return ['package']\n")
        self.write("both_four/wsgi.py", "def app(environ, start_response):\n    return ['file']\n")
        self.assertEqual(load("both_four", "auto")[0](None, None), ["package"])
        self.assertEqual(load("both_four/", "auto")[0](None, None), ["file"])

    def test_a_package_without_an_application_of_its_own_is_a_folder(self):
        sys.path.insert(0, self.folder)
        self.write("package_five/__init__.py")
        with self.assertRaisesRegex(FileNotFoundError, "looked for wsgi.py"):
            load("package_five", "auto")
        self.write("package_five/wsgi.py", "from . import __name__ as found\ndef application(environ, start_response):\n    return [found]\n")
        self.assertEqual(load("package_five", "auto")[0](None, None), ["package_five"])
        self.write("inner_five/__init__.py", "from . import app\n")
        self.write("inner_five/app.py", "def application(environ, start_response):\n    return ['inner']\n")
        self.assertEqual(load("inner_five", "auto")[0](None, None), ["inner"])
        self.write("factory_five/__init__.py", "def create_app():\n    pass\n")
        self.write("factory_five/app.py")
        with self.assertRaisesRegex(AttributeError, r"write factory_five:create_app\(\)"):
            load("factory_five", "auto")

    def test_a_path_with_colons(self):
        text = "def app(environ, start_response):\n    return ['%s']\nclass sub:\n    app = app\n"
        self.write("a:b/app.py", text % "folder")
        self.write("c:d.py", text % "file")
        for spec, found in {"a:b": "folder", "a:b/app.py:app": "folder", "./a:b/app.py:sub.app": "folder", "c:d.py": "file"}.items():
            self.assertEqual(load(spec, "auto")[0](None, None), [found], spec)

    def test_a_module_that_puts_an_object_in_its_place(self):
        sys.path.insert(0, self.folder)
        self.write("placed_five.py", "import sys\nclass Place:\n    def app(self, environ, start_response):\n        pass\nsys.modules[__name__] = Place()\n")
        self.assertEqual(load("placed_five", "auto")[2]["file"], "placed_five")


class Spawned(unittest.TestCase):
    def test_a_process_that_multiprocessing_starts_finds_the_main_file_without_our_modules(self):
        worker = os.path.join(os.path.dirname(os.path.dirname(loading.__file__)), "worker.py")
        code = "import runpy; runpy.run_path(%r, run_name='__mp_main__')" % worker
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        result = subprocess.run([sys.executable, "-c", code], env=env, cwd="/", stderr=subprocess.PIPE)
        self.assertEqual((result.returncode, result.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()
