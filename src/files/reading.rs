//! The texts of manifest files, of folders of them, and of standard input.
//!
//! Reading blocks, so asynchronous callers do it in a blocking task. A file that is longer than a
//! manifest may be is not read: its size is checked first, and the bound is enforced while reading
//! too, since a file may grow and a pipe has no size.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use crate::machinery::manifest::TEXT_LENGTH_MAX;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// The file name extensions of manifests in a folder, as for `kubectl -f FOLDER`.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// One manifest file's text.
pub(super) struct Text {
    /// The path as in messages.
    pub(super) file: String,
    pub(super) content: String,
}

/// A file or folder that could not be read, and why.
pub(super) type Unreadable = (PathBuf, io::Error);

/// A file's text, or why it could not be read.
pub(super) type Read = Result<Text, Unreadable>;

/// The text of a file, of every manifest in a folder (not in its subfolders), or of standard input.
/// Each file of a folder is read or fails by itself.
pub(super) fn read(path: &Path) -> Vec<Read> {
    if path.as_os_str() == STANDARD_INPUT || !path.is_dir() {
        return vec![read_file(path)];
    }
    match manifests_in(path) {
        Ok(files) => files.iter().map(|file| read_file(file)).collect(),
        Err(error) => vec![Err((path.to_owned(), error))],
    }
}

fn read_file(path: &Path) -> Read {
    let octets = match path.as_os_str() == STANDARD_INPUT {
        true => read_bounded(io::stdin().lock()),
        false => File::open(path).and_then(|file| match file.metadata()?.len() {
            length if length > TEXT_LENGTH_MAX as u64 => Err(too_long()),
            _ => read_bounded(file),
        }),
    };
    let content = octets.and_then(|octets| String::from_utf8(octets).map_err(|error| invalid_utf8(&error)));
    let content = content.map_err(|error| (path.to_owned(), error))?;
    Ok(Text { file: path.display().to_string(), content })
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

fn manifests_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
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
        let texts = read(folder.path()).into_iter().map(|text| text.map_err(|(_, error)| error).unwrap());
        let contents: Vec<String> = texts.map(|text| text.content).collect();
        assert_eq!(contents, ["a.yaml", "b.yml", "c.json"]);
    }

    /// What `read` says of a single file that it cannot read.
    fn refusal(path: &Path) -> String {
        let mut read = read(path);
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
        assert!(refusal(&path).starts_with("is longer than 16777216 bytes"), "{}", refusal(&path));
    }

    #[test]
    fn what_has_no_size_is_read_up_to_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        std::thread::scope(|scope| {
            // The reader may close the pipe before all is written.
            scope.spawn(|| drop(std::fs::write(&path, vec![b' '; TEXT_LENGTH_MAX + 1])));
            assert!(refusal(&path).starts_with("is longer than 16777216 bytes"));
        });
    }

    #[test]
    fn a_file_that_is_no_text_is_told_with_its_line_and_those_beside_it_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("a.yaml", "a: 1\n".as_bytes()), ("b.yaml", b"b: 1\nc: \xff\n")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let read = read(folder.path());
        let [Ok(text), Err((path, error))] = read.as_slice() else { panic!("one of two") };
        assert_eq!((text.content.as_str(), path), ("a: 1\n", &folder.path().join("b.yaml")));
        assert_eq!(error.to_string(), "line 2 is not UTF-8; save the file as UTF-8");
    }
}
