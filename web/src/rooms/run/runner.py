"""Runs the tests among a dojo's files, inside Pyodide: ``unittest`` classes and plain ``test_*`` functions."""

import ast
import builtins
import importlib.util
import inspect
import io
import linecache
import os
import shutil
import sys
import time
import traceback
import unittest

KEPT = 4000
SHOWN = 200


class Tail(io.TextIOBase):
    """Keeps the end of what is printed, and shows it now and then to whoever waits outside."""

    def __init__(self, show):
        self.text = ""
        self._show = show
        self._shown = 0.0

    def writable(self):
        return True

    def write(self, text):
        self.text = (self.text + text)[-2 * KEPT :]
        now = time.monotonic()
        if now - self._shown > 0.1:
            self._shown = now
            self._show(self.text[-KEPT:])
        return len(text)


class Recorder(unittest.TestResult):
    """Counts, and writes each failure for a person."""

    def __init__(self, folder, out):
        super().__init__()
        self.folder = folder
        self.out = out
        self.passed = 0
        self.failed = 0
        self._whole = True

    def startTest(self, test):
        super().startTest(test)
        self._whole = True

    def stopTest(self, test):
        super().stopTest(test)
        if self._whole:
            self.passed += 1

    def addSkip(self, test, reason):
        self._whole = False
        self.out.write(f"– {name_of(test)}: {reason}\n")

    def addFailure(self, test, err):
        self._fail(test, err)

    def addError(self, test, err):
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._fail(subtest, err)

    def addUnexpectedSuccess(self, test):
        self._fail(test, (AssertionError, AssertionError("It was expected to fail, and did not."), None))

    def _fail(self, test, err):
        if self._whole or not isinstance(test, unittest.TestCase):
            self.failed += 1
        self._whole = False
        self.out.write(f"✗ {name_of(test)}\n{explain(err[1], self.folder)}\n")


def name_of(test):
    """A test's name as its author wrote it."""
    if isinstance(test, unittest.FunctionTestCase) or not isinstance(test, unittest.TestCase):
        return test.id()
    return test.id().partition(".")[2] or test.id()


def run_tests(folder, files, show):
    """Write ``files`` (name → text) to ``folder`` and run their tests.

    Returns:
        (colour, passed, failed, output, note): ``note`` is ``no-tests`` or empty. A file that cannot
        be imported is amber.
    """
    out = Tail(show)
    before = keep_world()
    try:
        prepare(folder, files)
        sys.stdout = sys.stderr = out
        return outcome(folder, files, out)
    finally:
        restore_world(before, folder)


def outcome(folder, files, out):
    """The colour of a run in a prepared folder."""
    names = sorted(name for name in files if is_test_file(name))
    suite = unittest.TestSuite()
    for name in names:
        try:
            suite.addTests(tests_in(load(folder, name)))
        except BaseException as error:  # whatever the import of a person's file raises
            out.write(f"✗ {name}\n{explain(error, folder)}\n")
            return "amber", 0, 0, out.text[-KEPT:], ""
    if suite.countTestCases() == 0:
        return "amber", 0, 0, out.text[-KEPT:], "no-tests"
    result = Recorder(folder, out)
    try:
        suite.run(result)
    except BaseException as error:  # KeyboardInterrupt passes through unittest
        result.addError(unittest.FunctionTestCase(outcome), (type(error), error, error.__traceback__))
    out.write(f"{result.passed} passed, {result.failed} failed\n")
    colour = "red" if result.failed or not result.passed else "green"
    return colour, result.passed, result.failed, out.text[-KEPT:], ""


def is_test_file(name):
    """Whether a file is named as tests are."""
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def load(folder, name):
    """Import a test file under its own name."""
    module_name = name[: -len(".py")]
    if module_name in sys.modules and is_from(sys.modules[module_name], folder):
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, os.path.join(folder, name))
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def tests_in(module):
    """The tests that a module defines, in the order of its lines."""
    loader = unittest.TestLoader()
    found = []
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value) and issubclass(value, unittest.TestCase):
            found.append(loader.loadTestsFromTestCase(value))
        elif inspect.isclass(value) and name.startswith("Test"):
            found.extend(plain_class(value))
        elif inspect.isfunction(value) and name.startswith("test"):
            found.append(case(value, name))
    return found


def plain_class(kind):
    """The ``test*`` methods of a class that is no ``TestCase``, each on an instance of its own."""
    for name, value in vars(kind).items():
        if name.startswith("test") and inspect.isfunction(value):
            yield case(lambda name=name: getattr(kind(), name)(), f"{kind.__name__}.{name}")


def case(function, name):
    """A function as a test case that is called ``name``."""

    def no_loop():
        raise TypeError("This test is async; only plain functions run here.")

    made = unittest.FunctionTestCase(no_loop if inspect.iscoroutinefunction(function) else function)
    made.id = lambda: name
    return made


def explain(error, folder):
    """What went wrong, where in the person's files, and the two sides of a comparison."""
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(folder):
        line = (error.text or "").strip()
        return f"  {os.path.basename(error.filename)}, line {error.lineno}\n    {line}\n  {type(error).__name__}: {error.msg}\n"
    frames = [frame for frame in traceback.walk_tb(error.__traceback__) if own(frame[0].f_code.co_filename, folder)]
    lines = []
    for frame, number in frames[-4:]:
        path = frame.f_code.co_filename
        lines.append(f"  {os.path.basename(path)}, line {number}")
        lines.append(f"    {linecache.getline(path, number).strip()}")
    words = "".join(traceback.format_exception_only(error)).strip().replace(folder + "/", "")
    lines += ["  " + line for line in words.splitlines()[:30]]
    if frames and isinstance(error, AssertionError) and not str(error):
        lines += sides(*frames[-1])
    return "\n".join(lines) + "\n"


def own(path, folder):
    return path.startswith(folder + "/")


def sides(frame, number):
    """For a failed ``assert left == right``: what the two sides were."""
    try:
        tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
        found = [
            node for node in ast.walk(tree) if isinstance(node, ast.Assert) and node.lineno <= number <= node.end_lineno
        ]
        test = found[-1].test
        parts = [test.left, *test.comparators] if isinstance(test, ast.Compare) else [test]
        return [f"  {ast.unparse(part)} is {value_of(part, frame)}" for part in parts if not is_literal(part)]
    except Exception:  # an explanation is a courtesy: without one, the line itself must do
        return []


def is_literal(part):
    try:
        ast.literal_eval(part)
    except ValueError:
        return False
    return True


def value_of(part, frame):
    """The value of an expression where the test failed, shortened."""
    code = compile(ast.Expression(part), "<assert>", "eval")
    text = repr(eval(code, frame.f_globals, frame.f_locals))
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def prepare(folder, files):
    """A fresh folder with the files, first on the path."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    linecache.clearcache()


def is_from(module, folder):
    return (getattr(module, "__file__", None) or "").startswith(folder + "/")


def keep_world():
    """What a run may leave changed."""
    return (
        dict(vars(builtins)),
        list(sys.path),
        dict(os.environ),
        os.getcwd(),
        sys.stdin,
        sys.stdout,
        sys.stderr,
        sys.getrecursionlimit(),
        list(sys.meta_path),
        sys.gettrace(),
    )


def restore_world(before, folder):
    """The next run finds nothing of this one."""
    names, path, environment, cwd, sys.stdin, sys.stdout, sys.stderr, limit, finders, trace = before
    for name in set(vars(builtins)) - set(names):
        delattr(builtins, name)
    vars(builtins).update(names)
    sys.path[:] = path
    sys.meta_path[:] = finders
    sys.setrecursionlimit(limit)
    sys.settrace(trace)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for name, module in list(sys.modules.items()):
        if is_from(module, folder):
            del sys.modules[name]
    shutil.rmtree(folder, ignore_errors=True)
