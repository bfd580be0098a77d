from ferlite import device


def test_says_what_a_report_needs():
    machine = device.describe()
    assert machine["board"]
    assert int(machine["cores"]) >= 1
    assert {"system", "python", "numpy", "ferlite"} <= set(machine)
