//! Serials over restarts, by the clock and by the file.

use std::time::Duration;

use super::*;

fn at(second: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(second)
}

fn kept(folder: &Path) -> u32 {
    fs::read_to_string(folder.join(FILE)).unwrap().trim().parse().unwrap()
}

#[test]
fn the_clock_gives_the_first_serial_and_each_version_the_next() {
    let serials = Serials::from_clock(at(1000));
    assert_eq!([serials.advance(), serials.advance(), serials.advance()], [1000, 1001, 1002]);
    assert_eq!(Serials::from_clock(at(0)).advance(), 1);
    assert_eq!(Serials::from_clock(at(1 << 32)).advance(), 1);
}

#[tokio::test]
async fn no_serial_is_given_that_a_restart_could_give_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    // The clock stands still, as good as: far more versions than seconds.
    for _ in 0..3 {
        let serials = Serials::kept_in(folder.path(), at(1000)).unwrap();
        for _ in 0..5 * STEP {
            serials.reserved().await;
            let serial = serials.advance();
            assert!(serial > last, "{serial} after {last}");
            assert!(serial <= kept(folder.path()), "{serial} is given before it is reserved");
            last = serial;
        }
        // Nothing is written at the end: it is as if the server was killed.
        std::mem::forget(serials);
    }
    assert!(last < 1000 + 3 * 7 * STEP, "{last}: a restart skips a step or two");
}

#[test]
fn a_clock_that_is_ahead_of_the_file_wins() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Serials::kept_in(folder.path(), at(1000)).unwrap().advance(), 1000);
    assert_eq!(Serials::kept_in(folder.path(), at(1000)).unwrap().advance(), 1000 + STEP);
    assert_eq!(Serials::kept_in(folder.path(), at(500_000)).unwrap().advance(), 500_000);
    assert_eq!(Serials::kept_in(folder.path(), at(1000)).unwrap().advance(), 500_000 + STEP);
}

#[test]
fn serials_go_around_the_circle_and_leave_out_zero() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), "4294967293\n").unwrap();
    let serials = Serials::kept_in(folder.path(), at(4_000_000_000)).unwrap();
    let given: Vec<u32> = (0..4).map(|_| serials.advance()).collect();
    assert_eq!(given, [u32::MAX - 1, u32::MAX, 1, 2]);
    assert_eq!(kept(folder.path()), STEP - 3);
    // The file is ahead of the clock although its number is smaller.
    assert_eq!(Serials::kept_in(folder.path(), at(4_294_967_000)).unwrap().advance(), STEP - 2);
}

#[tokio::test]
async fn servers_that_share_a_folder_reserve_beyond_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) =
        (Serials::kept_in(folder.path(), at(1)).unwrap(), Serials::kept_in(folder.path(), at(1)).unwrap());
    let mut last = [0, 0];
    for round in 0..10 * STEP {
        one.reserved().await;
        last[0] = one.advance();
        if round % 3 == 0 {
            two.reserved().await;
            last[1] = two.advance();
        }
    }
    let (limit, next) = (kept(folder.path()), Serials::kept_in(folder.path(), at(1)).unwrap().advance());
    assert!(last.iter().all(|last| *last <= limit && *last < next), "{last:?} {limit} {next}");
}

#[test]
fn what_cannot_be_kept_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    fs::write(&path, "soon\n").unwrap();
    let told = Serials::kept_in(folder.path(), at(1)).unwrap_err().to_string();
    assert_eq!(told, format!("{}: it does not hold a serial; remove it to begin anew", path.display()));
    assert_eq!(fs::read_to_string(&path).unwrap(), "soon\n", "it is left alone");
    let told = Serials::kept_in(&path, at(1)).unwrap_err().to_string();
    assert!(told.starts_with(&format!("{}: ", path.display())), "{told}");
}

#[tokio::test]
async fn publishing_goes_on_when_nothing_can_be_written_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let serials = Serials::kept_in(folder.path(), at(1)).unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    for serial in 1..=3 * STEP {
        serials.reserved().await;
        assert_eq!(serials.advance(), serial);
    }
}
