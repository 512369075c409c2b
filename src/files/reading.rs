//! The texts of manifest files, of folders of them, and of standard input.
//!
//! Reading blocks, so asynchronous callers do it in a blocking task. A file that is longer than a
//! manifest may be is not read: its size is checked first, and the bound is enforced while reading
//! too, since a file may grow and a pipe has no size.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use super::walk::{Found, walk};
use crate::machinery::manifest::TEXT_LENGTH_MAX;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// How much is read of all files of one path, in bytes.
const OCTETS_MAX: usize = 4 * TEXT_LENGTH_MAX;

/// One manifest file's text.
#[derive(Debug)]
pub(super) struct Text {
    /// The path as in messages.
    pub(super) file: String,
    pub(super) content: String,
    /// Another one after each save; `None` if it has none.
    pub(super) stamp: Option<Stamp>,
}

/// When a file was written, and which one it is: a save changes either, even if the text is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: (i64, i64),
    inode: u64,
}

/// A file or folder that could not be read, and why.
pub(super) type Unreadable = (PathBuf, io::Error);

/// A file's text, or why it could not be read.
pub(super) type Read = Result<Text, Unreadable>;

/// What a path has given.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) path: PathBuf,
    pub(super) texts: Vec<Read>,
    /// The folders whose changes matter.
    pub(super) folders: Vec<PathBuf>,
}

/// The text of a file, of every manifest in a folder, or of standard input. Each file of a folder is
/// read or fails by itself.
pub(super) fn read(path: &Path, is_recursive: bool) -> Reading {
    let mut n_octets_left = OCTETS_MAX;
    if is_standard_input(path) || !path.is_dir() {
        let texts = vec![read_file(path, &mut n_octets_left)];
        return Reading { path: path.to_owned(), texts, folders: vec![parent(path)] };
    }
    match walk(path, is_recursive) {
        Ok(Found { files, folders, unreadable, .. }) => {
            let mut texts: Vec<Read> = files.iter().map(|file| read_file(file, &mut n_octets_left)).collect();
            texts.extend(unreadable.into_iter().map(Err));
            Reading { path: path.to_owned(), texts, folders }
        }
        Err(error) => {
            let texts = vec![Err((path.to_owned(), error))];
            Reading { path: path.to_owned(), texts, folders: vec![path.to_owned()] }
        }
    }
}

/// Whether a path can be read only once: standard input, a pipe (`<(helm template ...)`), a device.
pub(super) fn is_read_once(path: &Path) -> bool {
    let is_stream = |metadata: std::fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    is_standard_input(path) || std::fs::metadata(path).is_ok_and(is_stream)
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

fn parent(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

fn read_file(path: &Path, n_octets_left: &mut usize) -> Read {
    let read = match is_standard_input(path) {
        true => read_bounded(io::stdin().lock()).map(|octets| (octets, None)),
        false => File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            let stamp = metadata.is_file().then(|| Stamp {
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                inode: metadata.ino(),
            });
            match metadata.len() {
                length if length > TEXT_LENGTH_MAX as u64 => Err(too_long()),
                length if length > *n_octets_left as u64 => Err(too_much()),
                _ => Ok((read_bounded(file)?, stamp)),
            }
        }),
    };
    let text = read.and_then(|(octets, stamp)| {
        *n_octets_left = n_octets_left.saturating_sub(octets.len());
        let content = String::from_utf8(octets).map_err(|error| invalid_utf8(&error))?;
        Ok(Text { file: path.display().to_string(), content, stamp })
    });
    text.map_err(|error| (path.to_owned(), error))
}

fn too_much() -> io::Error {
    let text =
        format!("is not read: the files before it are {OCTETS_MAX} bytes together, the most of one path");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

fn read_bounded(source: impl io::Read) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    source.take(TEXT_LENGTH_MAX as u64 + 1).read_to_end(&mut octets)?;
    if octets.len() > TEXT_LENGTH_MAX { Err(too_long()) } else { Ok(octets) }
}

fn too_long() -> io::Error {
    let text =
        format!("is longer than {TEXT_LENGTH_MAX} bytes, the most that is read of a manifest; split it");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

fn invalid_utf8(error: &FromUtf8Error) -> io::Error {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = 1 + good.iter().filter(|octet| **octet == b'\n').count();
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8; save the file as UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_manifests_in_order_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yaml", "c.json", "notes.txt"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        std::fs::create_dir(folder.path().join("deeper.yaml")).unwrap();
        let read = read(folder.path(), true).texts.into_iter();
        let texts = read.map(|text| text.map_err(|(_, error)| error).unwrap());
        let contents: Vec<String> = texts.map(|text| text.content).collect();
        assert_eq!(contents, ["a.yaml", "b.yml", "c.json"]);
    }

    /// What `read` says of a single file that it cannot read.
    fn refusal(path: &Path) -> String {
        let mut read = read(path, true).texts;
        let Some(Err((refused, error))) = read.pop() else { panic!("{} was read", path.display()) };
        assert_eq!(refused, path);
        error.to_string()
    }

    #[test]
    fn the_size_of_a_file_is_looked_at_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.yaml");
        // It takes no space on the disk; no memory could hold it.
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert!(refusal(&path).starts_with("is longer than 67108864 bytes"), "{}", refusal(&path));
    }

    #[test]
    fn what_has_no_size_is_read_up_to_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        std::thread::scope(|scope| {
            // The reader may close the pipe before all is written.
            scope.spawn(|| drop(std::fs::write(&path, vec![b' '; TEXT_LENGTH_MAX + 1])));
            assert!(refusal(&path).starts_with("is longer than 67108864 bytes"));
        });
    }

    #[test]
    fn a_file_that_is_no_text_is_told_with_its_line_and_those_beside_it_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("a.yaml", "a: 1\n".as_bytes()), ("b.yaml", b"b: 1\nc: \xff\n")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let read = read(folder.path(), true).texts;
        let [Ok(text), Err((path, error))] = read.as_slice() else { panic!("one of two") };
        assert_eq!((text.content.as_str(), path), ("a: 1\n", &folder.path().join("b.yaml")));
        assert_eq!(error.to_string(), "line 2 is not UTF-8; save the file as UTF-8");
    }
}
