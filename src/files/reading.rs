//! Manifest files and folders, read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// The endings that a folder's manifests have, as for `kubectl -f FOLDER`.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// One manifest file's text.
pub(super) struct Text {
    /// The path as messages name it.
    pub(super) file: String,
    pub(super) content: String,
}

/// A file or folder that could not be read, and what the system says.
pub(super) type Unreadable = (PathBuf, io::Error);

/// The text of a file, or of every manifest of a folder (not of its subfolders), or of standard
/// input; of a folder, each of its files by itself.
pub(super) fn read(path: &Path) -> Vec<Result<Text, Unreadable>> {
    if path.as_os_str() == STANDARD_INPUT || !path.is_dir() {
        return vec![read_file(path)];
    }
    match manifests_in(path) {
        Ok(files) => files.iter().map(|file| read_file(file)).collect(),
        Err(error) => vec![Err((path.to_owned(), error))],
    }
}

fn read_file(path: &Path) -> Result<Text, Unreadable> {
    let mut octets = Vec::new();
    let read = match path.as_os_str() == STANDARD_INPUT {
        true => io::stdin().read_to_end(&mut octets),
        false => File::open(path).and_then(|mut file| file.read_to_end(&mut octets)),
    };
    let content = read.and_then(|_| String::from_utf8(octets).map_err(|error| no_text(&error)));
    let content = content.map_err(|error| (path.to_owned(), error))?;
    Ok(Text { file: path.display().to_string(), content })
}

fn no_text(error: &FromUtf8Error) -> io::Error {
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
