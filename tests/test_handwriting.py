"A photo becomes an MNIST image: upright, cropped to its ink, its centre of mass in the middle."
from io import BytesIO
from time import process_time
import numpy as np, pytest, torch
from PIL import Image, ImageDraw
from torch import nn
from drawings import changes, drawings
from chapter4_helpers.data import mnist
from chapter4_helpers.handwriting import (
    centre_ink, crop_to_ink, drop_rest, find_ink, prepare, shrink_ink, to_grey)
from chapter4_helpers.minibatches import TensorDataLoader
from chapter4_helpers.optimizer import train_epoch

pytestmark = pytest.mark.usefixtures('one_thread')

def paper(h, w, light=255):
    "White paper as an array, to write dark ink on"
    return np.full((h,w), light, np.uint8)

def photo(a): return Image.fromarray(a)

def cropped(image): return crop_to_ink(drop_rest(find_ink(to_grey(image))))

def ink(square):
    "The rows and columns, from where to where, that hold ink"
    a = square.numpy() > 0
    return [(int(i[0]), int(i[-1])) for i in (np.flatnonzero(a.any(1)), np.flatnonzero(a.any(0)))]

def centre(square):
    a = square.double().numpy()
    return [float((a.sum(1-axis)@np.arange(28))/a.sum()) for axis in range(2)]

def is_fit(square):
    "Is it an MNIST image, with the longer side 20 pixels and the centre of mass in the middle?"
    (top,bottom),(left,right) = ink(square)
    return (square.dtype, square.shape, max(bottom-top, right-left)+1, int(square.max())) == \
        (torch.uint8, (28,28), 20, 255) and all(abs(c-14) <= .51 for c in centre(square))

def box(a):
    "The part of an image that holds ink, by the half of its darkest"
    rows,cols = (np.flatnonzero((a > 127).any(axis)) for axis in (1,0))
    return a[rows[0]:rows[-1]+1,cols[0]:cols[-1]+1]

def enlarged(a, times=10):
    "A photo of that image: dark on light, with wide margins"
    a = 255 - a.repeat(times, 0).repeat(times, 1)
    return photo(np.pad(a, ((37,83), (90,11)), constant_values=255))

def test_mnist_images_come_back():
    some = [box(d.numpy()) for d in mnist().valid_x[:100]]
    some = [a for a in some if a.max()==255 and max(a.shape)==20]
    assert len(some) > 20
    for a in some:
        square = prepare(enlarged(a))
        assert is_fit(square)
        (top,bottom),(left,right) = ink(square)
        again = square[top:bottom+1,left:right+1].numpy().astype(int)
        assert again.shape==a.shape and np.abs(again - a*(4*a.astype(int) > 255)).max() <= 2

def test_a_photo_is_turned_as_the_camera_was_held():
    upright = enlarged(mnist().valid_x[0].numpy(), 8)
    wanted = prepare(upright)
    for orientation,turn in [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90),
                             (8, Image.Transpose.ROTATE_270)]:
        exif,file = Image.Exif(),BytesIO()
        exif[0x0112] = orientation
        upright.transpose(turn).save(file, 'png', exif=exif)
        assert torch.equal(prepare(Image.open(file)), wanted), orientation
        assert not torch.equal(prepare(upright.transpose(turn)), wanted), orientation

def test_colours_and_grey_paper():
    a = np.full((90,60,3), (180,190,200), np.uint8)
    a[20:70,25:35] = (20,30,120)
    square = prepare(photo(a))
    assert is_fit(square) and ink(square)[0] == (4,23)

def test_faint_noise_on_the_paper_is_not_ink():
    a = np.random.default_rng(0).integers(200, 231, (200,200)).astype(np.uint8)
    a[50:150,90:110] = 30
    assert cropped(photo(a)).shape == (100,20) and is_fit(prepare(photo(a)))

@pytest.mark.parametrize('h,w', [(1,1), (2,1), (3,5)])
def test_tiny_ink(h, w):
    a = paper(28, 28)
    a[10:10+h,7:7+w] = 0
    square = prepare(photo(a))
    assert is_fit(square) and (square>0).all(1).sum()==0
    sides = [last-first+1 for first,last in ink(square)]
    assert sides == [round(n*20/max(h,w)) for n in (h,w)]

@pytest.mark.parametrize('h,w', [(500,1), (1,500), (300,2)])
def test_thin_lines_do_not_vanish(h, w):
    a = paper(600, 600)
    a[20:20+h,30:30+w] = 0
    assert is_fit(prepare(photo(a)))

def test_a_big_photo():
    a = paper(3000, 4000)
    a[500:2500,1800:2200] = 0
    square = prepare(photo(a))
    assert is_fit(square) and ink(square) == [(4,23), (12,15)]

def test_ink_up_to_the_edge():
    a = paper(50, 40)
    a[:,15:25] = 0
    square = prepare(photo(a))
    assert is_fit(square) and cropped(photo(a)).shape == (50,10)

def test_heavy_at_one_end():
    # The centre of mass of a long handle with a heavy foot would push it off the square
    image = photo(paper(300, 300))
    draw = ImageDraw.Draw(image)
    draw.rectangle((148,20,150,280), 0)
    draw.rectangle((50,270,250,280), 0)
    square = prepare(image)
    (top,bottom),_ = ink(square)
    assert (top,bottom) == (0,19)  # the centre is as near the middle as the square allows

@pytest.mark.parametrize('foot', [0, 1])
@pytest.mark.parametrize('turned', [False, True])
def test_heavy_at_either_end(foot, turned):
    a = paper(300, 300)
    a[20:280,148:151] = 0
    a[(slice(270,281), slice(20,31))[foot],50:251] = 0
    square = prepare(photo(a.T if turned else a))
    assert ink(square)[turned] == [(0,19), (8,27)][foot]

def test_ink_is_darker_than_a_quarter_of_the_darkest():
    a = paper(20, 20, 199)
    a[10,5:9] = 1         # 198 of 199 parts of the light are missing: 253
    a[9,9] = 150          # 62, less than a quarter of that
    a[11,9] = 149         # 64
    crop = cropped(photo(a))
    assert crop.shape == (2,5) and crop[1].tolist() == [0,0,0,0,64] and crop.max() == 253
    assert crop.dtype == torch.float32

def test_shrinking_and_centring():
    wide = shrink_ink(torch.ones(10,40))
    assert wide.shape == (5,20) and wide.dtype == torch.float32 and (wide==1).all()
    mean = shrink_ink(torch.tensor([[0.,100.]]).repeat(20,20))  # 40 columns to 20: means of two
    assert mean.shape == (10,20) and (mean==50).all()
    assert shrink_ink(torch.ones(1,500)).shape == (1,20)
    square = centre_ink(torch.tensor([[1.,2.],[4.,1.]]))
    assert square[13:15,14:16].tolist() == [[64,128],[255,64]] and square.sum() == 64+128+255+64

@pytest.mark.parametrize('light', [0, 128, 255])
def test_a_blank_page(light):
    with pytest.raises(ValueError, match='found no ink'): prepare(photo(paper(50, 50, light)))

# What people really bring

def share_right(net, photos, digits):
    x = torch.stack([prepare(p) for p in photos])[:,None]/255
    return (net(x).argmax(1)==torch.tensor(digits)).float().mean().item()

@pytest.fixture(scope='module')
def net():
    "Reads digits, in a few seconds"
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1,16,5,2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16,32,3,2),
                        nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(800,10))
    data = mnist()
    dl = TensorDataLoader(data.train_x[:,None]/255, data.train_y, 256, shuffle=True)
    train_epoch(net, dl, torch.optim.Adam(net.parameters(), .005), nn.functional.cross_entropy)
    return net.eval()

@pytest.mark.parametrize('change', changes, ids=lambda f: f.__name__)
def test_kinds_of_photos(change, net):
    photos,digits = drawings(4)
    assert share_right(net, [change(p) for p in photos], digits) >= .95

def test_one_kind_of_light_or_another_gives_the_same():
    image = drawings(1)[0][3]
    want = prepare(image).int()
    a = np.array(image)
    same = [photo(a.astype(np.uint16)*257), photo(a.astype(np.int32)*200), photo(a/np.float32(255)),
            photo(255-a), image.convert('CMYK'), image.convert('P')]
    for other in same: assert (prepare(other).int()-want).abs().max() <= 9, other.mode

def test_pale_pencil_in_a_dark_box_and_specks():
    a = paper(200, 200)
    a[60:140,90:100] = 190
    want = prepare(photo(a))
    a[[10,11]] = a[:,[185,186]] = 0
    a[30:33,40:43] = 150
    a[160:163,150:153] = 215  # too pale to be a piece beside the box
    assert torch.equal(prepare(photo(a)), want)

def test_a_digit_at_the_border_stays_where_nothing_else_is_of_size():
    a = paper(200, 200)
    a[120:,90:100] = 20
    a[30:33,40:43] = 20
    assert cropped(photo(a)).shape == (80,10)

def test_several_digits_are_refused():
    photos = drawings(1)[0]
    page = Image.new('L', (900,280), 255)
    for i,k in enumerate((0,2,7)): page.paste(photos[k].point(lambda v: 255*(v>127)), (i*300,0))
    with pytest.raises(ValueError, match='found 3 pieces.*crop'): prepare(page)
    prepare(page.crop((0,0,600,280)))  # a 4 and a 5 may have two pieces

def test_files():
    image,file = drawings(1)[0][8],BytesIO()
    image.save(file, 'png')
    assert torch.equal(prepare(file.getvalue()), prepare(image))
    with pytest.raises(ValueError, match='pillow-heif'): prepare(b'\0\0\0\x18ftypheic')
    with pytest.raises(ValueError, match='ndarray.*Image.fromarray'): prepare(paper(9, 9))
    with pytest.raises(FileNotFoundError): prepare('no such file.png')

def test_a_path(tmp_path):
    image = drawings(1)[0][8]
    image.save(tmp_path/'8.png')
    for path in (tmp_path/'8.png', str(tmp_path/'8.png')):
        assert torch.equal(prepare(path), prepare(image))

def test_twelve_megapixels_are_quick():
    image = photo(np.random.default_rng(0).integers(200, 220, (3000,4000,3)).astype(np.uint8))
    image.paste((20,30,90), (1900,900,2100,2100))
    prepare(image)
    start = process_time()
    prepare(image)
    assert process_time()-start < .5  # 0.2 on a quiet core
