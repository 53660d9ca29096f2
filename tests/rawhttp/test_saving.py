"""Files that appear whole or not at all, whatever else they must keep."""

import contextlib
import errno
import os
import stat
import tempfile
import threading
from pathlib import Path

from twisted.trial.unittest import SkipTest

from sockproto.errors import CallFailed, WriteFailed
from sockproto.rawhttp import WholeFile
from tests.rawhttp.places import NOBODY, PlaceCase, without_root


class FileTests(PlaceCase):
    def test_whole_or_not_at_all(self) -> None:
        for failure in (CallFailed("x"), KeyboardInterrupt(), SystemExit()):
            self.path.write_text("old")
            with contextlib.suppress(type(failure)), WholeFile(str(self.path)) as file:
                file.write(b"new")
                raise failure
            self.assertEqual(self.path.read_text(), "old")
            self.assertEqual(os.listdir(self.place), ["page"])
        self.path.chmod(0o640)
        with WholeFile(str(self.path)) as file:
            file.write(b"new")
            self.assertEqual(self.path.read_text(), "old")
        self.assertEqual(self.path.read_text(), "new")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o640)
        self.path.chmod(0o4755)
        with WholeFile(str(self.path)) as file:
            file.write(b"new")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o755)

    def test_links_and_devices_stay_what_they_are(self) -> None:
        link = self.place / "link"
        link.symlink_to("page")
        with WholeFile(str(link)) as file:
            file.write(b"new")
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.path.read_text(), "new")
        with WholeFile("/dev/null") as file:
            file.write(b"new")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_what_can_not_be_written(self) -> None:
        for path in (self.place, self.place / "no" / "page", "a\0b"):
            self.assertRaises(WriteFailed, WholeFile(str(path)).__enter__)
        self.assertEqual(os.listdir(self.place), [])

    def test_a_link_that_leads_nowhere(self) -> None:
        self.path.symlink_to("page")
        self.assertRaises(WriteFailed, WholeFile(str(self.path)).__enter__)
        self.assertTrue(self.path.is_symlink())

    def test_files_that_are_open(self) -> None:
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        with WholeFile(f"/dev/fd/{writer}") as file:
            file.write(b"new")
        os.close(writer)
        self.assertEqual(os.read(reader, 9), b"new")
        self.path.write_text("before, ")
        with self.path.open("ab") as already, WholeFile(f"/proc/self/fd/{already.fileno()}") as file:
            file.write(b"new")
        self.assertEqual(self.path.read_text(), "before, new")
        self.assertRaises(WriteFailed, WholeFile("/dev/fd/99999").__enter__)

    def test_a_pipe_with_a_name(self) -> None:
        os.mkfifo(self.path)
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: found.append(self.path.read_bytes()))
        reader.start()
        with WholeFile(str(self.path)) as file:
            file.write(b"new")
        reader.join(60)
        self.assertEqual(found, [b"new"])

    def test_a_time(self) -> None:
        self.path.write_text("old")
        os.link(self.path, self.place / "other")
        for name in ("new", "page"):  # renamed, in place
            file = WholeFile(str(self.place / name))
            with file as body:
                body.write(b"new")
                file.modified = 784_111_777.0
            self.assertEqual((self.place / name).stat().st_mtime, 784_111_777.0)

    def test_a_time_that_no_file_has(self) -> None:
        file = WholeFile(str(self.path))
        with file as body:
            body.write(b"new")
            file.modified = 1e300
        self.assertEqual(self.path.read_text(), "new")


class BesideTests(PlaceCase):
    def save(self) -> tuple[str, bool]:
        """Save without replacing anything; return where."""
        file = WholeFile(str(self.path), replace=False)
        with file as body:
            body.write(b"new")
        self.assertEqual(Path(file.name).read_text(), "new")
        return os.path.basename(file.name), file.replaced

    def test_a_number_is_added(self) -> None:
        self.assertEqual(
            [self.save() for _ in range(3)], [(name, False) for name in ("page", "page.1", "page.2")]
        )
        self.path.write_text("old")
        self.path.with_name("page.1").unlink()
        self.assertEqual(self.save()[0], "page.1")
        self.assertEqual(self.path.read_text(), "old")

    def test_links_and_directories_are_something_too(self) -> None:
        self.path.symlink_to("nowhere")
        self.path.with_name("page.1").mkdir()
        self.assertEqual(self.save()[0], "page.2")
        self.assertEqual(os.listdir(self.place).count("nowhere"), 0)

    def test_numbers_have_an_end(self) -> None:
        for number in range(1, 101):
            self.path.with_name(f"page.{number}").touch()
        self.path.touch()
        self.assertRaises(WriteFailed, self.save)
        self.assertEqual(len(os.listdir(self.place)), 101)


class InPlaceTests(PlaceCase):
    """Where a rename can't be, or would cost what must stay."""

    def setUp(self) -> None:
        super().setUp()
        self.place.chmod(0o777)
        self.path.write_text("the old text")
        self.path.chmod(0o666)
        self.told: list[str] = []

    def save(self, text: str, failure: BaseException | None = None) -> None:
        """Write in place, with what was there before as a witness that it is the same file."""
        before = self.path.stat()
        with contextlib.suppress(KeyboardInterrupt), WholeFile(str(self.path), tell=self.told.append) as file:
            file.write(text.encode())
            if failure:
                raise failure
        after = self.path.stat()
        for name in ("st_ino", "st_uid", "st_gid", "st_mode", "st_nlink"):
            self.assertEqual(getattr(after, name), getattr(before, name), name)
        self.assertEqual(self.path.read_text(), "the old text" if failure else text)
        self.assertEqual([name for name in os.listdir(self.place) if name.startswith(".")], [])

    def check(self) -> None:
        """Save, fail to save, save what is shorter."""
        self.save("a new text, which is longer")
        self.path.write_text("the old text")
        self.save("half a text", KeyboardInterrupt())
        self.save("short")
        self.assertEqual(len(self.told), 3)

    def test_hard_links(self) -> None:
        other = self.place / "other"
        os.link(self.path, other)
        self.check()
        self.assertEqual(other.read_text(), "short")

    def test_a_directory_that_can_not_be_written(self) -> None:
        self.place.chmod(0o555)
        with without_root():
            self.check()
        self.assertIn("in place", self.told[0])
        self.place.chmod(0o700)

    def test_no_place_to_collect_it_either(self) -> None:
        def nowhere() -> None:
            raise FileNotFoundError(errno.ENOENT, "No usable temporary directory")

        self.patch(tempfile, "TemporaryFile", nowhere)
        self.place.chmod(0o555)
        with without_root():
            self.save("a new text")
        self.place.chmod(0o700)

    def test_an_owner_that_can_not_be_given(self) -> None:
        if os.geteuid():
            raise SkipTest("only root can make a file that belongs to somebody else")
        with without_root():
            self.check()

    def test_an_owner_that_can(self) -> None:
        if os.geteuid():
            raise SkipTest("only root can make a file that belongs to somebody else")
        os.chown(self.path, NOBODY, NOBODY)
        with WholeFile(str(self.path), tell=self.told.append) as file:
            file.write(b"new")
        self.assertEqual((self.path.owner(), self.told), ("nobody", []))

    def test_what_its_user_has_noted_on_it(self) -> None:
        try:
            os.setxattr(self.path, "user.note", b"mine")
        except (AttributeError, OSError):
            raise SkipTest("no extended attributes here") from None
        self.check()
        self.assertEqual(os.getxattr(self.path, "user.note"), b"mine")

    def test_a_rename_that_fails(self) -> None:
        """As of a mount."""

        def busy(*_: object) -> None:
            raise OSError(errno.EBUSY, "Device or resource busy")

        self.patch(os, "replace", busy)
        self.save("a new text")
        self.path.write_text("the old text")
        self.save("half a text", KeyboardInterrupt())
        self.assertEqual(len(self.told), 1)

    def test_there_must_be_room_for_all_of_it(self) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        os.link(self.path, self.place / "other")
        self.patch(os, "posix_fallocate", full)
        self.assertRaises(WriteFailed, self.save, "a new text, which is longer")
        self.assertEqual(self.path.read_text(), "the old text")

    def test_what_must_not_be_written(self) -> None:
        self.path.chmod(0o444)
        with without_root():
            error = self.assertRaises(WriteFailed, self.save, "a new text")
        self.assertIn("Permission denied", str(error))
        self.assertEqual(self.path.read_text(), "the old text")
