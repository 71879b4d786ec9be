from services.chassis.main import run

if __name__ == "__main__":
    run("tests.chassis.probe.bootstrap:SERVICE")
