//! The process behind `bongsu_interop::hostile::half_open`.

fn main() {
    bongsu_interop::hostile::half_open::main(std::env::args().skip(1));
}
