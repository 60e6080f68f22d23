"""Our flows, built a second time out of pywa's typed components: what it cannot express is no flow."""

import json

from pywa.types.flows import (
    CompleteAction,
    DataExchangeAction,
    DataSource,
    Dropdown,
    FlowJSON,
    Footer,
    Layout,
    OptIn,
    PhotoPicker,
    PhotoSource,
    RadioButtonsGroup,
    Screen,
    ScreenData,
    TextArea,
    TextBody,
    TextInput,
)

VERSION = "7.1"


def complaint():
    """One screen, all of it known beforehand: topics and kelurahan come with the message."""
    topics = ScreenData(
        key="topics", example=[DataSource(id="jalan_rusak", title="Jalan rusak", description="Jalan rusak")]
    )
    villages = ScreenData(key="villages", example=[DataSource(id="35.76.01.1001", title="Wates")])
    ask_village = ScreenData(key="ask_village", example=True)
    token = ScreenData(key="form_token", example="token")
    fields = [
        description := TextArea(
            name="description",
            label="Apa yang terjadi?",
            required=True,
            max_length=600,
            helper_text="Ceritakan satu atau dua kalimat, dan sejak kapan.",
        ),
        topic := Dropdown(name="topic", label="Jenis masalah", required=False, data_source=topics.ref),
        place := TextInput(
            name="place",
            label="Di mana?",
            required=True,
            min_chars=3,
            max_chars=80,
            helper_text="Jalan atau patokan, dan RT/RW. Contoh: depan SDN Wates, RT 3 RW 1",
        ),
        village := Dropdown(
            name="village",
            label="Kelurahan",
            required=False,
            visible=ask_village.ref,
            data_source=villages.ref,
        ),
        photos := PhotoPicker(
            name="photos",
            label="Foto, bila ada",
            photo_source=PhotoSource.CAMERA_GALLERY,
            min_uploaded_photos=0,
            max_uploaded_photos=5,
            max_file_size_kb=10240,
        ),
        confidential := OptIn(name="confidential", label="Rahasiakan laporan ini dari umum.", required=False),
        anonymous := OptIn(name="anonymous", label="Jangan sertakan nama saya.", required=False),
    ]
    answers = {
        "description": description.ref,
        "topic": topic.ref,
        "place": place.ref,
        "village": village.ref,
        "photos": photos.ref,
        "confidential": confidential.ref,
        "anonymous": anonymous.ref,
        "form_token": token.ref,
    }
    screen = Screen(
        id="LAPOR",
        title="Laporan",
        data=[topics, villages, ask_village, token],
        terminal=True,
        success=True,
        layout=Layout(
            children=[*fields, Footer(label="Lanjut", on_click_action=CompleteAction(payload=answers))]
        ),
    )
    return FlowJSON(version=VERSION, screens=[screen])


def booking():
    """Two screens: what is free is asked of us between them."""
    services = ScreenData(key="services", example=[DataSource(id="ktp_hilang", title="KTP hilang")])
    days = ScreenData(key="days", example=[DataSource(id="2026-12-01", title="Selasa, 1 Desember 2026")])
    service = Dropdown(name="service", label="Keperluan", required=True, data_source=services.ref)
    day = Dropdown(name="day", label="Hari", required=True, data_source=days.ref)
    ask = DataExchangeAction(payload={"service": service.ref, "day": day.ref})
    first = Screen(
        id="PILIH",
        title="Antrean",
        data=[services, days],
        layout=Layout(children=[service, day, Footer(label="Lihat jam kosong", on_click_action=ask)]),
    )
    heading = ScreenData(key="heading", example="KTP hilang, Selasa, 1 Desember 2026")
    chosen = ScreenData(key="service", example="ktp_hilang")
    chosen_day = ScreenData(key="day", example="2026-12-01")
    times = ScreenData(key="times", example=[DataSource(id="09:00", title="09.00")])
    own_name = ScreenData(key="name", example="Siti")
    token = ScreenData(key="form_token", example="token")
    time = Dropdown(name="time", label="Jam", required=True, data_source=times.ref)
    name = TextInput(
        name="name",
        label="Nama",
        required=True,
        min_chars=2,
        max_chars=60,
        init_value=own_name.ref,
        helper_text="Nama yang akan dipanggil di loket.",
    )
    priority = RadioButtonsGroup(
        name="priority",
        label="Didahulukan",
        required=True,
        init_value="none",
        data_source=[
            DataSource(id="none", title="Tidak perlu"),
            DataSource(id="elderly", title="Lansia"),
            DataSource(id="disability", title="Penyandang disabilitas"),
            DataSource(id="pregnant", title="Ibu hamil"),
        ],
    )
    answers = {
        "service": chosen.ref,
        "day": chosen_day.ref,
        "time": time.ref,
        "name": name.ref,
        "priority": priority.ref,
        "form_token": token.ref,
    }
    last = Screen(
        id="JAM",
        title="Jam dan nama",
        data=[heading, chosen, chosen_day, times, own_name, token],
        terminal=True,
        success=True,
        refresh_on_back=True,
        layout=Layout(
            children=[
                TextBody(text=heading.ref),
                time,
                name,
                priority,
                Footer(label="Lanjut", on_click_action=CompleteAction(payload=answers)),
            ]
        ),
    )
    return FlowJSON(
        version=VERSION,
        data_api_version="3.0",
        routing_model={"PILIH": ["JAM"], "JAM": []},
        screens=[first, last],
    )


BUILT = {"complaint": complaint, "booking": booking}


def document(name):
    """A flow as pywa writes it."""
    return json.loads(BUILT[name]().to_json())
