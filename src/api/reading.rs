//! Manifest files and folders, read.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

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

/// The text of a file, or of every manifest of a folder (not of its subfolders), or of standard
/// input. The path that failed comes with the error.
pub(super) fn read(path: &Path) -> Result<Vec<Text>, (PathBuf, io::Error)> {
    if path.as_os_str() == STANDARD_INPUT {
        let mut content = String::new();
        io::stdin().read_to_string(&mut content).map_err(|error| (path.to_owned(), error))?;
        return Ok(vec![Text { file: STANDARD_INPUT.to_owned(), content }]);
    }
    if !path.is_dir() {
        return read_file(path).map(|text| vec![text]);
    }
    let mut files = manifests_in(path).map_err(|error| (path.to_owned(), error))?;
    files.sort();
    files.iter().map(|file| read_file(file)).collect()
}

fn read_file(path: &Path) -> Result<Text, (PathBuf, io::Error)> {
    let content = std::fs::read_to_string(path).map_err(|error| (path.to_owned(), error))?;
    Ok(Text { file: path.display().to_string(), content })
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
        let texts = read(folder.path()).map_err(|(_, error)| error).unwrap();
        let contents: Vec<&str> = texts.iter().map(|text| text.content.as_str()).collect();
        assert_eq!(contents, ["a.yaml", "b.yml", "c.json"]);
    }
}
