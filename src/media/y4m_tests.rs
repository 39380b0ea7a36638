use super::*;

/// A file of grey pictures, 4×2, each of its own level.
fn file(header: &str, levels: &[u8], cut: usize) -> tempfile::NamedTempFile {
    let mut bytes = format!("YUV4MPEG2 {header}\n").into_bytes();
    for level in levels {
        bytes.extend(b"FRAME Ip\n");
        bytes.extend([*level; 8]);
        bytes.extend([128; 4]);
    }
    bytes.truncate(bytes.len() - cut);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn open(file: &tempfile::NamedTempFile) -> Result<Y4m, MediaError> {
    Y4m::open(file.path(), 1_000_000)
}

#[test]
fn pictures_come_in_order_at_their_times_and_again_after_rewinding() {
    let file = file("W4 H2 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=FULL", &[50, 60, 70], 0);
    assert!(is_y4m(file.path()));
    let mut open = open(&file).unwrap();
    let mut levels = || std::iter::from_fn(|| open.next().unwrap()).map(|p| p.plane(0).0[7]).collect::<Vec<_>>();
    assert_eq!(levels(), [50, 60, 70]);
    open.rewind().unwrap();
    let again = open.next().unwrap().unwrap();
    assert_eq!((again.plane(0).0[0], again.size(), again.range()), (50, Size::new(4, 2), ColorRange::Full));
    assert_eq!(open.position(30), Duration::from_millis(1001));
}

#[test]
fn what_is_wrong_with_a_file_is_said_in_a_sentence_that_names_it() {
    for (header, said) in [
        ("W4 F25:1", "no size"),
        ("Wx H2", "Wx"),
        ("W4 H2 F25", "F25"),
        ("W4 H2 C444", "raw video C444"),
        ("W99999 H99999", "above the limit"),
    ] {
        let file = file(header, &[1], 0);
        let told = open(&file).err().unwrap().to_string();
        assert!(told.contains(said) && told.contains(file.path().to_str().unwrap()), "{told}");
    }
    let cut = file("W4 H2", &[1, 2], 3);
    let mut open = open(&cut).unwrap();
    assert!(open.next().unwrap().is_some());
    assert!(open.next().unwrap_err().to_string().contains("cut short (a picture is not whole)"));
}
