"""From what the user wrote (`module:name`, a file, a directory) to a callable, and which interface it has."""

import ast
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import sys

# Names of modules and objects that are tried when none is given, in this order.
MODULES = ("wsgi", "asgi", "app", "application", "main")
NAMES = ("application", "app")
FACTORIES = ("create_app", "make_app")
# Annotations may name what is there for type checkers only; Python evaluates them when they are asked for, from 3.14 on.
UNEVALUATED = {}
if sys.version_info >= (3, 14):
    import annotationlib

    UNEVALUATED["annotation_format"] = annotationlib.Format.STRING


def load(spec, interface):
    """
    The application that `spec` names, its interface (`wsgi` or `asgi`), and what it is: a dict of texts for people.

    `spec` is PLACE or PLACE:NAME. PLACE is a module, a file or a directory with a file called wsgi.py, asgi.py, app.py or
    main.py (for the interface `asgi`, asgi.py comes first). NAME may be dotted, and may be a call with literal
    arguments; `application` and `app` are tried when it is left out. `interface` is `auto` where it is to be found out.
    """
    place, name = parts_of(spec)
    module = load_module(place, interface)
    if not name and hasattr(module, "__path__") and os.path.isdir(place) and first_of(module, NAMES + FACTORIES) is None:
        # A package that holds its application in a file, as those of Django do.
        module = load_file(file_in(place, interface))
    target, found = find_object(module, name, place)
    if interface == "auto":
        interface = "asgi" if is_asgi(target) else "wsgi"
    check_interface(target, interface, spec, name)
    return target, interface, {"name": found, "kind": kind_of(target), "file": getattr(module, "__file__", None) or place}


def parts_of(spec):
    """PLACE and NAME. The path of a file or a folder that is there may hold colons."""
    words = spec.split(":")
    for count in range(len(words), 1, -1):
        place = ":".join(words[:count])
        if os.path.exists(place):
            return place, ":".join(words[count:])
    return words[0], ":".join(words[1:])


def first_of(module, names):
    """The first of some names that the module has; a submodule of that name is none, as it was imported for what is in it."""
    return next((name for name in names if not inspect.ismodule(getattr(module, name, sys))), None)


def kind_of(target):
    """`a function`, `a method`, `a class`, or the name of the class it is an object of."""
    if inspect.isclass(target):
        return "a class"
    if inspect.ismethod(target):
        return "a method"
    if inspect.isroutine(target):
        return "a function"
    kind = type(target)
    return "an object of %s.%s" % (kind.__module__, kind.__qualname__)


def load_module(place, interface):
    if os.path.isdir(place) and (os.sep in place or not is_module(place)):
        return load_file(file_in(place, interface))
    if place.endswith(".py") or os.sep in place or (os.path.isfile(place) and not is_module(place)):
        return load_file(place)
    return importlib.import_module(place)


def is_module(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    # A folder without __init__.py counts as a namespace, which holds no application.
    return spec is not None and spec.origin is not None


def file_in(folder, interface):
    modules = sorted(MODULES, key=lambda name: name != interface)
    for name in modules:
        path = os.path.join(folder, name + ".py")
        if os.path.isfile(path):
            return path
    # Django's layout: manage.py, and the package of the settings beside it.
    for name in modules[:2]:
        found = [entry.path for entry in os.scandir(folder) if os.path.isfile(os.path.join(entry.path, name + ".py"))]
        if len(found) == 1:
            return os.path.join(found[0], name + ".py")
        if found:
            several = " and ".join(sorted(os.path.normpath(os.path.join(path, name + ".py")) for path in found))
            raise LookupError("several applications in %s: name one of %s" % (os.path.abspath(folder), several))
    names = ", ".join(name + ".py" for name in modules)
    text = "no application in %s: looked for %s" % (os.path.abspath(folder), names)
    raise missing(text, [os.path.join(folder, name + ".py") for name in modules])


def missing(text, paths):
    error = FileNotFoundError(text)
    error.looked_for = paths
    return error


def load_file(path):
    """Imports a file under the name that its package gives it; under one of its own if that name means something else."""
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise missing("there is no file %s" % path, [path])
    folder, file = os.path.split(path)
    stem = file[:-3] if file.endswith(".py") else file
    packages = []
    while os.path.basename(folder) and os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        packages.insert(0, package)
    library = os.path.dirname(os.__file__)
    while packages and packages[0] != "test" and os.path.isfile(os.path.join(library, packages[0], "__init__.py")):
        # Python needs its own `email`, also where the folder around ours is searched first.
        sys.path.insert(0, library)
        importlib.import_module(packages[0])
        sys.path.remove(library)
        folder = os.path.join(folder, packages.pop(0))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    # A folder called `site` or `example.com` is no package: that means something else, or nothing.
    while packages and not leads_to(packages[0], os.path.join(folder, packages[0], "__init__.py")):
        folder = os.path.join(folder, packages.pop(0))
        sys.path.insert(0, folder)
    name = ".".join(packages + [stem])
    if file.endswith(".py") and "." not in stem and leads_to(name, path):
        return importlib.import_module(name)
    # A dot in the file's name would be read as a package, and `site` or `code` are modules of the library.
    parent = ".".join(packages)
    if parent:
        importlib.import_module(parent)
    own_name = (parent + "." if parent else "") + "onezero_" + "".join(c if c.isalnum() else "_" for c in stem)
    loader = importlib.machinery.SourceFileLoader(own_name, path)
    spec = importlib.util.spec_from_file_location(own_name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[own_name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[own_name]
        raise
    return module


def leads_to(name, path):
    """Whether importing `name` runs the file at `path`."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module that has no spec, such as __main__
        return False
    return spec is not None and spec.origin is not None and os.path.isfile(spec.origin) and os.path.samefile(spec.origin, path)


def find_object(module, name, place):
    """The object and the name under which it was found."""
    if not name:
        usual = first_of(module, NAMES)
        if usual is not None:
            return getattr(module, usual), usual
        for candidate in FACTORIES:
            if callable(getattr(module, candidate, None)):
                hint = "; it has a factory: write %s:%s()" % (place, candidate)
                break
        else:
            hint = "; name what it has, as in %s:NAME" % place
        raise AttributeError("module %r has neither 'application' nor 'app'%s" % (getattr(module, "__name__", place), hint))
    path, arguments, keywords = parse_name(name)
    target = module
    for part in path:
        target = getattr(target, part)
    if arguments is not None:
        target = target(*arguments, **keywords)
    return target, name.strip()


def parse_name(name):
    """`a.b` or `a.b("x", y=1)` as a path and arguments, which are None without parentheses."""
    try:
        expression = ast.parse(name.strip(), mode="eval").body
        arguments, keywords = None, {}
        if isinstance(expression, ast.Call):
            arguments = [ast.literal_eval(argument) for argument in expression.args]
            keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in expression.keywords}
            if None in keywords:
                raise ValueError
            expression = expression.func
        path = []
        while isinstance(expression, ast.Attribute):
            path.insert(0, expression.attr)
            expression = expression.value
        if not isinstance(expression, ast.Name):
            raise ValueError
    except (SyntaxError, ValueError):
        text = "%r is neither a name nor a call with literal arguments, such as create_app('production', debug=False)"
        raise ValueError(text % name) from None
    return [expression.id] + path, arguments, keywords


def is_asgi(target):
    """Whether it is an ASGI 3 application: three parameters, and `async` or not callable with two. A class makes what is awaited."""
    if takes(target, 3) is not True or inspect.isclass(target) and not hasattr(target, "__await__"):
        return False
    target = called(target)
    call = target if inspect.isroutine(target) else getattr(type(target), "__call__", None)
    return inspect.iscoroutinefunction(inspect.unwrap(call)) or takes(target, 2) is False


def called(target):
    """What runs when it is called, where each object has that in a slot of its own, or it gets no `self`; else itself."""
    call = inspect.getattr_static(type(target), "__call__", None)
    is_own = not inspect.isclass(target) and (inspect.isdatadescriptor(call) or isinstance(call, (classmethod, staticmethod)))
    return target.__call__ if is_own else target


def takes(target, count):
    """Whether it can be called with so many arguments; None when that cannot be found out."""
    try:
        inspect.signature(called(target), follow_wrapped=False, **UNEVALUATED).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # some functions written in C have no signature
        return None
    return True


def check_interface(target, interface, spec, name):
    """Raises a TypeError that says what `target` is instead, where that can be seen without calling it."""
    if inspect.ismodule(target):
        raise TypeError("%s is a module: name what is in it, as in %s:NAME" % (spec, target.__name__))
    if not callable(target):
        raise TypeError("%s is not callable: %r" % (spec, target))
    if interface == "wsgi" and is_asgi(target):
        raise TypeError("%s is an ASGI application (async; scope, receive, send): serve it as asgi" % spec)
    if takes(target, 3 if interface == "asgi" else 2) is not False:
        return
    if interface == "asgi" and takes(target, 2):
        raise TypeError("%s is a WSGI application (environ, start_response): serve it as wsgi" % spec)
    if interface == "asgi" and inspect.isclass(target) and takes(target, 1):
        raise TypeError("%s is an ASGI 2 application: wrap it with asgiref's guarantee_single_callable()" % spec)
    parameters = "(scope, receive, send)" if interface == "asgi" else "(environ, start_response)"
    call = "%s:%s()" % (parts_of(spec)[0], name or getattr(target, "__name__", "NAME"))
    raise TypeError("%s does not take %s: is it a factory? Then write %s" % (spec, parameters, call))
