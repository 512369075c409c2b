//! Files with secrets on disk: readable by their owner alone, never half written.
//!
//! The text is written to a file beside the path, synced, and renamed over what is there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file that is written beside the path that it is for; it is removed again unless it is put there.
#[must_use]
pub(crate) struct Prepared {
    beside: PathBuf,
    path: PathBuf,
    is_put: bool,
}

impl Prepared {
    /// Writes the text with mode 0600; missing folders are created with mode 0700.
    pub(crate) fn write(path: &Path, text: &str) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder)?;
        }
        let beside = beside(path);
        // What an interrupted start left behind must not pass its mode on to the new file.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let prepared = Self { beside, path: path.to_owned(), is_put: false };
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(prepared)
    }

    /// Replaces what is at the path.
    pub(crate) fn put(mut self) -> io::Result<()> {
        fs::rename(&self.beside, &self.path)?;
        self.is_put = true;
        Ok(())
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.is_put {
            // What cannot be removed is overwritten by the next start of the same number.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// Writes the file with mode 0600, replacing what is there; missing folders are created with mode
/// 0700.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    Prepared::write(path, text)?.put()
}

/// Creates the folder and its missing ancestors with mode 0700.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_owner_reads_it_even_if_others_could_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/kubeconfig");
        write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(Prepared::write(&path, "three").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }
}
