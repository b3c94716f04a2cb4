"""Changes of source files, with a clock and a pause that are the test's."""

import os
import sys
import tempfile
import types
import unittest
from unittest import mock

from onezero_worker import loading, watching
from onezero_worker.watching import files_of, modification_times, source_files, watch


class Stop(Exception):
    pass


class Lazy:
    """What six and others put among the modules: asking for anything imports it, which may fail."""

    def __getattr__(self, name):
        raise ImportError(name)


class Watching(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.reports = []

    def path(self, name, time_ns=1000):
        path = os.path.join(self.folder, name)
        with open(path, "w"):
            pass
        os.utime(path, ns=(time_ns, time_ns))
        return path

    def watch(self, files, *steps, since=10**15):
        """Watches some files; a step is what happens between two looks."""
        left = list(steps)

        def sleep(interval):
            self.assertEqual(interval, 7)
            if not left:
                raise Stop
            left.pop(0)()

        with mock.patch.object(watching, "source_files", lambda: ()), mock.patch.object(watching.time, "sleep", sleep):
            with self.assertRaises(Stop):
                watch(lambda **event: self.reports.append(event), files, 7, since)

    def test_nothing_is_reported_of_files_that_stay(self):
        self.watch([self.path("a"), self.path("b")], lambda: None, lambda: None)
        self.assertEqual(self.reports, [])

    def test_a_change_is_reported_once(self):
        path = self.path("a")
        self.watch([path], lambda: os.utime(path, ns=(5, 2000)), lambda: None)
        self.assertEqual(self.reports, [{"event": "changed", "file": path}])

    def test_a_time_that_goes_back_is_a_change(self):
        path = self.path("a", 5000)
        self.watch([path], lambda: os.utime(path, ns=(5, 10)))
        self.assertEqual(len(self.reports), 1)

    def test_names_that_are_no_paths(self):
        path = self.path("a")
        self.watch(["a\0b", "\ud800", path], lambda: os.utime(path, ns=(5, 2000)))
        self.assertEqual(self.reports, [{"event": "changed", "file": path}])

    def test_going_and_coming_back_are_changes(self):
        path = self.path("a")
        self.watch([path], lambda: os.unlink(path), lambda: None, lambda: self.path("a"), lambda: None)
        self.assertEqual(self.reports, [{"event": "changed", "file": path}] * 2)

    def test_several_at_once_are_one_report(self):
        paths = [self.path(name) for name in "abc"]
        self.watch(paths, lambda: [os.utime(path, ns=(5, 2000)) for path in paths])
        self.assertEqual(len(self.reports), 1)

    def test_a_file_that_changed_while_it_was_loaded(self):
        now = 10**15 + 5
        with mock.patch.object(watching.time, "time_ns", lambda: now + 100):
            self.watch([self.path("a", now)], lambda: None, since=10**15)
        self.assertEqual(len(self.reports), 1)

    def test_a_file_whose_time_lies_in_the_future_is_no_change(self):
        with mock.patch.object(watching.time, "time_ns", lambda: 10**15):
            self.watch([self.path("a", 2 * 10**15)], lambda: None, since=10**14)
        self.assertEqual(self.reports, [])

    def test_files_that_are_added_later(self):
        files = [self.path("a")]
        self.watch(files, lambda: files.append(self.path("b")), lambda: os.utime(files[1], ns=(5, 2000)))
        self.assertEqual(self.reports, [{"event": "changed", "file": os.path.join(self.folder, "b")}])

    def test_times(self):
        path = self.path("a", 1234)
        self.assertEqual(modification_times([path, "/no/such/file"]), {path: 1234, "/no/such/file": None})


class Sources(unittest.TestCase):
    def test_modules_of_the_application_and_of_packages_only(self):
        library = os.path.dirname(os.__file__)
        files = {
            "own": "/srv/app/views.py",
            "package": os.path.join(library, "site-packages", "flask", "app.py"),
            "debian": os.path.join(library, "dist-packages", "flask.py"),
            "standard": os.path.join(library, "json", "__init__.py"),
            "odd": 5,
            "none": None,
        }
        modules = {name: types.SimpleNamespace(__file__=file) for name, file in files.items()}
        modules["builtin"] = types.SimpleNamespace()
        modules["blocked"] = None
        modules["lazy"] = Lazy()
        with mock.patch.dict(sys.modules, modules):
            found = set(source_files())
        self.assertTrue({files["own"], files["package"], files["debian"]} <= found)
        self.assertNotIn(files["standard"], found)
        self.assertTrue(all(isinstance(path, str) for path in found))

    def test_places_of_what_is_missing(self):
        with mock.patch.object(sys, "path", ["/srv/app", "/lib"]):
            for statement in ("import shop.views", "from shop.views import a"):
                with self.assertRaises(ImportError) as raised:
                    exec(statement)
                self.assertLessEqual({"/srv/app/shop.py", "/srv/app/shop/__init__.py", "/lib/shop.py"}, set(files_of(raised.exception)))
            error = ImportError("cannot import name 'views' from 'shop.web' (unknown location)", name="shop.web")
            self.assertIn("/srv/app/shop/web/views.py", files_of(error))
            self.assertIn("/lib/shop/web.py", files_of(error))
        self.assertEqual(files_of(ImportError("none")), [])

    def test_files_that_are_not_there_yet(self):
        for place in ("/no_such.py", "/no_such.pyz"):
            with self.assertRaises(FileNotFoundError) as raised:
                loading.load(place, "auto")
            self.assertIn(place, files_of(raised.exception))
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(FileNotFoundError) as raised:
            loading.load(folder, "auto")
        self.assertLessEqual({folder + "/app.py", folder + "/wsgi.py"}, set(files_of(raised.exception)))

    def test_files_that_an_error_speaks_of(self):
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            with self.assertRaises(SyntaxError) as raised:
                compile("a = (\n", file.name, "exec")
            self.assertIn(file.name, files_of(raised.exception))
        try:
            exec(compile("1 / 0", "/no/such/file.py", "exec"))
        except ZeroDivisionError as error:
            self.assertEqual(files_of(error), [os.path.abspath(__file__)])


if __name__ == "__main__":
    unittest.main()
